"""Runs an installation, or a dry one, for a person at a terminal or a program that reads JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from engine.cancel import CancelToken, cancelled_by_signals
from engine.command import SystemCommands
from engine.errors import Cancelled, PhotreeError
from engine.events import Emit, Event, JobFinished, LogLine, StepStarted
from installer.context import Context
from installer.describe import describe_plan, destroyed, real_disks
from installer.dry import dry_doors
from installer.kickstart.export import kickstart_from_plan
from installer.kickstart.load import Loaded, load_kickstart, plan_installation
from installer.kickstart.online import fetch_refs_of
from installer.log import log_file
from installer.plan import InstallPlan
from installer.probe import Machine, probe_machine, read_recording
from installer.runner import failed, run_steps
from installer.sequence import installation_steps
from installer.steps.keep_record import Record
from installer.storage.refusals import refuse
from installer.workspace import WORKSPACE, private_workspace
from tui.console import JsonConsole, PlainConsole


def install(
    options: argparse.Namespace, arch: str, root: bool, begin_wizard: Callable[[], int]
) -> int:
    """Install as the kickstart says; returns 0. Raises PhotreeError.

    begin_wizard: for a kickstart that wants questions to be asked ("ui": true) on a terminal.
    """
    console: Emit = JsonConsole() if options.json else PlainConsole(verbose=options.verbose)
    with _reported(console) as report:
        if not root:
            raise PhotreeError("Installing needs root.", hint="`--dry-run` does not.")
        cancel = CancelToken()
        with cancelled_by_signals(cancel):
            loaded = _load(options, report, cancel)
        if _wants_questions(loaded, options):
            return begin_wizard()
        with log_file(options.log, report) as log:
            emit = _both(report, log)
            with cancelled_by_signals(cancel):
                plan = _plan(loaded, options, arch, emit, cancel)
            _ask(plan, options)
            with cancelled_by_signals(cancel):
                outcome = _run(plan, options.log, emit, cancel)
    if not options.json:
        print(f"{outcome}\nThe log is {options.log}.")  # noqa: T201 - a front end
    return 0


def _run(plan: InstallPlan, log: Path, emit: Emit, cancel: CancelToken) -> str:
    """The job itself; returns what was installed where. Raises PhotreeError."""
    from installer.system import system_doors  # noqa: PLC0415 - loads libostree

    doors = system_doors(emit, cancel)
    with private_workspace(doors.commands) as workspace:
        ctx = Context(plan, doors, emit, cancel, workspace)
        record = Record(kickstart_from_plan(plan), log)
        run_steps(installation_steps(plan, record), ctx)
        return ctx.outcome


def dry_run(options: argparse.Namespace, arch: str) -> int:
    """Show the plan and every action, do nothing; returns 0. Raises PhotreeError."""
    console: Emit = JsonConsole() if options.json else DryConsole()
    cancel = CancelToken()
    with _reported(console) as report, cancelled_by_signals(cancel):
        loaded = _load(options, report, cancel)
        plan = _plan(loaded, options, arch, report, cancel, dry=True)
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


def _load(options: argparse.Namespace, emit: Emit, cancel: CancelToken) -> Loaded:
    return load_kickstart(options.kickstart, emit, cancel, insecure=options.insecure)


def _wants_questions(loaded: Loaded, options: argparse.Namespace) -> bool:
    """A kickstart with "ui": true asks what it leaves open, where somebody can answer."""
    data = loaded.document.data
    wanted = isinstance(data, dict) and data.get("ui") is True
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return wanted and terminal and not options.json and not options.yes


def _plan(
    loaded: Loaded,
    options: argparse.Namespace,
    arch: str,
    emit: Emit,
    cancel: CancelToken,
    *,
    dry: bool = False,
) -> InstallPlan:
    """dry: neither runs the kickstart's scripts nor asks its repository."""
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
