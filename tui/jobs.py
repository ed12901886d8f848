"""How a verb runs a transaction: as a job, whose events are shown while it works."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from engine.cancel import CancelToken, cancelled_by_signals
from engine.events import Emit, Event, JobFinished
from engine.jobs.client import run_transaction
from engine.jobs.launcher import Launcher
from engine.jobs.store import Store, state_folder
from engine.transactions.transaction import Result, Transaction
from tui.console import JsonConsole, PlainConsole

EXIT_UNCHANGED = 77


def run_job(
    options: argparse.Namespace,
    transaction: Transaction,
    *,
    unchanged_exit: int = 0,
    launcher: Launcher | None = None,
) -> int:
    """Run it to its end and say what it did; returns the exit code.

    options: `sysroot`, and if the verb has them `json`, `verbose`, `unchanged_exit_77`.
    unchanged_exit: the exit code when there was nothing to do and no option asks for 77.
    Ctrl-C cancels the job and waits for its end. Raises PhotreeError, the job's own included.
    """
    result = follow_job(options, transaction, launcher=launcher)
    show_result(options, result)
    if getattr(options, "unchanged_exit_77", False):
        unchanged_exit = EXIT_UNCHANGED
    return 0 if result.changed else unchanged_exit


def follow_job(
    options: argparse.Namespace, transaction: Transaction, *, launcher: Launcher | None = None
) -> Result:
    """Run it to its end, showing its events only; see `run_job`."""
    cancel = CancelToken()
    with cancelled_by_signals(cancel, (signal.SIGINT,)):
        return run_transaction(
            open_store(options.sysroot),
            transaction,
            console(options),
            cancel=cancel,
            command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            launcher=launcher,
        )


def open_store(sysroot: Path) -> Store:
    """The jobs of a system. Raises OstreeError."""
    from engine.sysroot import Sysroot  # noqa: PLC0415 - loads libostree

    return Store(state_folder(Sysroot.load(sysroot)) / "jobs")


def console(options: argparse.Namespace) -> Emit:
    """The renderer that the options ask for. How a job failed is said where its error is caught,
    as for all verbs, and not a second time here."""
    if not getattr(options, "json", False):
        return PlainConsole(verbose=getattr(options, "verbose", False))
    show = JsonConsole()

    def emit(event: Event) -> None:
        if not isinstance(event, JobFinished) or event.ok:
            show(event)

    return emit


def show_result(options: argparse.Namespace, result: Result) -> None:
    if getattr(options, "json", False):
        sys.stdout.write(json.dumps({"result": asdict(result)}) + "\n")
    elif result.message:
        sys.stdout.write(result.message + "\n")
