"""List the transactions of this system, most recent first: when, who, what, and how it ended.

The last 50 are kept.

  photree history            # the last three
  photree history --limit 10
  photree history -a --json

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from engine.jobs.job import Job
from engine.state_file import utc
from tui.jobs import open_store
from tui.options import add_sysroot

_DEFAULT_LIMIT = 3
_KEY_WIDTH = len("Deployment")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-a", "--all", action="store_true", help="list all entries")
    which.add_argument(
        "-n",
        "--limit",
        type=int,
        default=_DEFAULT_LIMIT,
        metavar="N",
        help="list the last N entries (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    add_sysroot(parser)


def run(options: argparse.Namespace) -> int:
    jobs = open_store(options.sysroot).jobs()
    shown = jobs if options.all else jobs[: max(0, options.limit)]
    if options.json:
        sys.stdout.write(json.dumps([_as_json(job) for job in shown], indent=2) + "\n")
    else:
        sys.stdout.write("\n".join("".join(_lines(job)) for job in shown))
        if not jobs:
            sys.stdout.write("No transactions yet.\n")
    return 0


def _lines(job: Job) -> Iterator[str]:
    specification, outcome = job.specification, job.outcome
    yield f"{job.title}\n"
    yield _row("Started", f"{utc(specification.started)} by {specification.user}")
    if specification.command:
        yield _row("Command", specification.command)
    if outcome is None:
        yield _row("State", f"active (process {job.pid})")
        return
    seconds = max(0.0, outcome.finished - specification.started)
    yield _row("Ended", f"{utc(outcome.finished)} ({seconds:.1f} s)")
    yield _row("State", _state(job))
    if outcome.error is not None and not outcome.cancelled:
        yield _row("Error", outcome.error.message)
    if outcome.result is not None and outcome.result.deployment:
        yield _row("Deployment", outcome.result.deployment)


def _state(job: Job) -> str:
    outcome = job.outcome
    if outcome is None:
        return "active"
    if outcome.result is None:
        return "cancelled" if outcome.cancelled else "failed"
    return "successful" if outcome.result.changed else "unchanged"


def _as_json(job: Job) -> dict[str, Any]:
    specification, outcome = job.specification, job.outcome
    result = outcome.result if outcome is not None else None
    error = outcome.error if outcome is not None else None
    return {
        "id": job.id,
        "title": job.title,
        "user": specification.user,
        "command": specification.command,
        "started": specification.started,
        "finished": outcome.finished if outcome is not None else None,
        "state": _state(job),
        "result": asdict(result) if result is not None else None,
        "error": {"message": error.message, "hint": error.hint} if error is not None else None,
    }


def _row(key: str, value: str) -> str:
    return f"  {key:>{_KEY_WIDTH}}: {value}\n"
