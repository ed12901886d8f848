"""`photree-installer check`: shows what is wrong with a kickstart, or that nothing is."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from engine.cancel import CancelToken, cancelled_by_signals
from engine.command import SystemCommands
from engine.events import discard
from installer.kickstart.check import CheckReport, check
from tui.console import EXIT_FAILURE


def check_kickstart(options: argparse.Namespace, arch: str) -> int:
    """Returns 0, or 1 when there are problems. Raises NetworkError and Cancelled."""
    cancel = CancelToken()
    with cancelled_by_signals(cancel):
        report = check(
            options.kickstart,
            arch=arch,
            online=options.online,
            media=options.media,
            commands=SystemCommands(cancel=cancel),
            emit=discard,
            cancel=cancel,
            insecure=options.insecure,
        )
    sys.stdout.write(_as_json(report) if options.json else _as_text(report, options.kickstart))
    return EXIT_FAILURE if report.problems else 0


def _as_json(report: CheckReport) -> str:
    document = {
        "ok": not report.problems,
        "problems": [asdict(problem) for problem in report.problems],
        "warnings": [asdict(problem) for problem in report.warnings],
    }
    return json.dumps(document, ensure_ascii=False) + "\n"


def _as_text(report: CheckReport, name: str) -> str:
    lines = [f"error: {problem}" for problem in report.problems]
    lines += [f"warning: {problem}" for problem in report.warnings]
    count = len(report.problems)
    lines.append(f"{name}: {count} problem{'s' * (count != 1)}" if count else f"{name}: good")
    return "".join(f"{line}\n" for line in lines)
