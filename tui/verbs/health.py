"""Say whether the running deployment works, and go back to the former one when a new one does not.

  photree health          # what the checks said at this boot; --json for programs
  photree health check    # run the checks now, and say what they say: nothing else happens
  photree health judge    # what photree-health.service does at every boot

The checks are the programs in /etc/photree/health.d and /usr/lib/photree/health.d; exit code 0 says
that all is well. They run after everything has started. When a deployment boots for the first time
and one of them fails, or the time is over ([Health] in /etc/photree.conf), the former deployment is
put first and the machine restarts into it. A deployment that was healthy once, or that the machine
went back to, or that is the only one, is never left: a failure is only reported.

A deployment that does not even get to its checks is left by the boot menu, which counts its boots:
`photree health prepare-boot` sets that up while the machine stops. See docs/health.md.

Exit codes: 0 healthy, or not looked at yet; 1 not healthy, or failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from engine.cancel import CancelToken, cancelled_by_signals
from engine.command import SystemCommands
from engine.errors import PhotreeError
from engine.health.boot_counter import BootCounter
from engine.health.checks import CheckResult, find_checks, first_failure, run_checks
from engine.health.judge import Judge, prepare_next_boot
from engine.health.machine import boot_entries, put_first
from engine.health.record import read_health, write_health
from engine.health.summary import health_lines, health_of
from engine.sysroot import Sysroot
from engine.updates.configuration import Settings, read_settings
from tui.console import PlainConsole

_ROOT, _BOOT = Path("/"), Path("/boot")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=("show", "check", "judge", "prepare-boot"),
        default="show",
        metavar="show|check|judge|prepare-boot",
        help="what to do (default: show)",
    )
    parser.add_argument("--json", action="store_true", help="show: print a JSON object")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the checks' output")


def run(options: argparse.Namespace) -> int:
    if options.action == "show":
        return _show(options.json)
    if os.geteuid() != 0:
        raise PhotreeError(f"health {options.action} needs root.", "Use sudo.")
    cancel = CancelToken()
    commands = SystemCommands(PlainConsole(verbose=options.verbose), cancel)
    with cancelled_by_signals(cancel):
        if options.action == "check":
            results = _checks(commands, read_settings(_ROOT))
            _say("".join(check_lines(results)).rstrip() or "There are no checks.")
            return 1 if first_failure(results) else 0
        return _judge(commands) if options.action == "judge" else _prepare_boot(commands)


def _show(as_json: bool) -> int:
    booted = Sysroot.load(_ROOT).booted
    record = read_health(_ROOT)
    health = health_of(record, booted.id if booted is not None else "")
    if as_json:
        sys.stdout.write(json.dumps(asdict(health) if health else None, indent=2) + "\n")
    elif health is None:
        sys.stdout.write("The running deployment was not looked at yet.\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in health_lines(health)))
        sys.stdout.write("".join(check_lines(health.checks)))
    return 0 if health is None or health.healthy else 1


def check_lines(results: Sequence[CheckResult]) -> Iterator[str]:
    for check in results:
        result = "passed" if check.passed else f"failed: {check.message}"
        yield f"  {check.name} ({check.seconds:.1f} s): {result}\n"


def _checks(commands: SystemCommands, settings: Settings) -> tuple[CheckResult, ...]:
    for problem in settings.problems:  # the machine must not be without checks because of them
        sys.stderr.write(f"warning: {problem}\n")
    limits = settings.health
    return run_checks(find_checks(_ROOT), commands, each=limits.check_timeout, total=limits.timeout)


def _judge(commands: SystemCommands) -> int:
    judge = Judge(
        boot_entries(Sysroot.load(_ROOT)),
        read_health(_ROOT),
        BootCounter(_BOOT, commands),
        put_first=lambda deployment: put_first(_ROOT, deployment),
        save=write_health,
        now=time.time,
    )
    _say(judge.settle())
    judgement = judge.judge(_checks(commands, read_settings(_ROOT)))
    _say(judgement.message)
    if judgement.reboot:
        commands.run(["systemctl", "--no-block", "reboot"])
    return 0 if judgement.healthy else 1


def _prepare_boot(commands: SystemCommands) -> int:
    tries = read_settings(_ROOT).health.tries
    entries = boot_entries(Sysroot.load(_ROOT))
    counter = BootCounter(_BOOT, commands)
    _say(prepare_next_boot(entries, read_health(_ROOT), counter, tries))
    return 0


def _say(message: str) -> None:
    if message:
        sys.stdout.write(f"{message}\n")
        sys.stdout.flush()
