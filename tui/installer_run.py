"""Runs an installation, or a dry one, for a person at a terminal or a program that reads JSON."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

from engine.cancel import CancelToken, cancelled_by_signals
from engine.command import SystemCommands
from engine.errors import Cancelled, PhotreeError, PlanError
from engine.events import Emit, Event, JobFinished, LogLine, StepStarted, discard, to_json
from installer.context import Context
from installer.describe import describe_plan, destroyed, real_disks
from installer.dry import dry_doors
from installer.kickstart.load import load_kickstart, plan_installation
from installer.kickstart.online import fetch_refs_of
from installer.plan import InstallPlan
from installer.probe import Machine, probe_machine, read_recording
from installer.runner import failed, run_steps
from installer.sequence import installation_steps
from installer.storage.refusals import refuse
from installer.workspace import WORKSPACE, private_workspace
from tui.console import JsonConsole, PlainConsole


def install(options: argparse.Namespace, arch: str, root: bool) -> int:
    """Install as the kickstart says; returns 0. Raises PhotreeError."""
    console: Emit = JsonConsole() if options.json else PlainConsole(verbose=options.verbose)
    with _reported(console) as report:
        if not root:
            raise PhotreeError("Installing needs root.", hint="`--dry-run` does not.")
        with _log_file(options.log) as log, _logged(log):
            cancel = CancelToken()
            emit = _both(report, log)
            with cancelled_by_signals(cancel):
                plan = _load_plan(options, arch, emit, cancel)
            _ask(plan, options)
            with cancelled_by_signals(cancel):
                outcome = _run(plan, emit, cancel)
    if not options.json:
        print(f"{outcome}\nThe log is {options.log}.")  # noqa: T201 - a front end
    return 0


def _run(plan: InstallPlan, emit: Emit, cancel: CancelToken) -> str:
    """The job itself; returns what was installed where. Raises PhotreeError."""
    from installer.system import system_doors  # noqa: PLC0415 - loads libostree

    doors = system_doors(emit, cancel)
    with private_workspace(doors.commands) as workspace:
        ctx = Context(plan, doors, emit, cancel, workspace)
        run_steps(installation_steps(plan), ctx)
        return ctx.outcome


def dry_run(options: argparse.Namespace, arch: str) -> int:
    """Show the plan and every action, do nothing; returns 0. Raises PhotreeError."""
    console: Emit = JsonConsole() if options.json else DryConsole()
    cancel = CancelToken()
    with _reported(console) as report, cancelled_by_signals(cancel):
        plan = _load_plan(options, arch, report, cancel, dry=True)
        if options.machine:
            machine = read_recording(options.machine)
        else:
            machine = probe_machine(SystemCommands(cancel=cancel))
        if not options.json:
            print("\n".join(describe_plan(plan, machine)))  # noqa: T201 - a front end
        emit = _dry(report)
        ctx = Context(plan, dry_doors(emit, machine), emit, cancel, WORKSPACE)
        run_steps(installation_steps(plan), ctx)
    return 0


class DryConsole:
    """Titles and actions of a dry run on standard output, warnings on standard error."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def __call__(self, event: Event) -> None:
        match event:
            case StepStarted():
                self._stream.write(f"\n[{event.index}/{event.count}] {event.title}\n")
            case LogLine(level="warning"):
                sys.stderr.write(f"warning: {event.text}\n")
            case LogLine(level="info"):
                self._stream.write(f"  {event.text}\n")
            case JobFinished(ok=True):
                self._stream.write(f"\n{event.message}\n")


def _load_plan(
    options: argparse.Namespace,
    arch: str,
    emit: Emit,
    cancel: CancelToken,
    *,
    dry: bool = False,
) -> InstallPlan:
    """dry: neither runs the kickstart's scripts nor asks its repository."""
    loaded = load_kickstart(options.kickstart, emit, cancel, insecure=options.insecure)
    return plan_installation(
        loaded,
        arch=arch,
        media=options.media,
        commands=SystemCommands(emit, cancel),
        emit=emit,
        run_scripts=not dry,
        refs_of=None if dry else fetch_refs_of(cancel),
    )


def _ask(plan: InstallPlan, options: argparse.Namespace) -> None:
    """On a terminal, let a person confirm which disks are wiped. Raises Cancelled, PlanError.

    A kickstart is consent where nobody sits at a terminal, and an image wipes nothing.
    """
    disks = real_disks(plan)
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if not disks or options.yes or options.json or not terminal:
        return
    machine = probe_machine(SystemCommands())
    refuse(plan, machine)
    sys.stderr.write(_question(plan, machine, disks))
    sys.stderr.flush()
    answer = sys.stdin.readline().strip()
    if answer not in ("yes", *(disks if len(disks) == 1 else ())):
        raise Cancelled("Nothing was written.")


def _question(plan: InstallPlan, machine: Machine, disks: list[str]) -> str:
    lost = "\n".join(f"  {line}" for line in destroyed(plan, machine))
    answer = f"{disks[0]} or yes" if len(disks) == 1 else "yes"
    return f"This will be destroyed:\n{lost}\nType {answer} to go on: "


def _dry(emit: Emit) -> Emit:
    def dry(event: Event) -> None:
        if isinstance(event, JobFinished) and event.ok:
            event = JobFinished(ok=True, message="This was a dry run: nothing was done.")
        emit(event)

    return dry


def _both(first: Emit, second: Emit) -> Emit:
    def both(event: Event) -> None:
        first(event)
        second(event)

    return both


@contextmanager
def _reported(console: Emit) -> Iterator[Emit]:
    """Yields an Emit; a failure before the job began is reported as its end too."""
    finished = False

    def report(event: Event) -> None:
        nonlocal finished
        finished = finished or isinstance(event, JobFinished)
        console(event)

    try:
        yield report
    except PhotreeError as error:
        if isinstance(console, JsonConsole) and not finished:
            console(failed(error))
        raise


@contextmanager
def _log_file(path: Path) -> Iterator[Emit]:
    """An Emit that writes every event with its time; the file is for root only.

    A log that cannot be written is no reason not to install: then events are dropped.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)
    except OSError as error:
        sys.stderr.write(f"warning: there will be no log: {path}: {error.strerror}\n")
        yield discard
        return
    with os.fdopen(descriptor, "w", encoding="utf-8", buffering=1) as stream:

        def log(event: Event) -> None:
            stream.write(f"{datetime.now().isoformat(timespec='milliseconds')} {to_json(event)}\n")

        yield log


@contextmanager
def _logged(log: Emit) -> Iterator[None]:
    """What failed inside goes to the log with all its detail."""
    try:
        yield
    except PhotreeError as error:
        for problem in error.problems if isinstance(error, PlanError) else ():
            log(LogLine(str(problem), level="error"))
        for line in (error.message, *error.detail.splitlines()):
            log(LogLine(line, level="error"))
        raise
