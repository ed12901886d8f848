"""The process of one job: `python -m engine.jobs.runner FOLDER`.

Returns (exit code 0) when a process in the background has begun the job, with its lock held and
its outputs in its folder; that one goes on when the terminal or whoever started it is gone.
SIGTERM and SIGINT cancel the transaction.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.cancel import CancelToken
from engine.command import Commands, SystemCommands
from engine.errors import CommandError, PhotreeError
from engine.jobs import process
from engine.jobs.eventlog import EventLog
from engine.jobs.job import EVENTS, LOCK, OUTPUT, RESULT, SPECIFICATION
from engine.jobs.journal import ERROR, Journal
from engine.jobs.outcome import Outcome, OutcomeFile
from engine.jobs.specification import Specification
from engine.jobs.store import begun_folder, write_durably
from engine.transactions.registry import KINDS


def main(
    arguments: Sequence[str],
    kinds: Mapping[str, str] = KINDS,
    commands: Commands | None = None,
) -> int:
    """arguments: the prepared folder. kinds: what transactions there are. commands: restart the
    machine."""
    prepared = Path(arguments[0])
    cancel = CancelToken()
    _listen(cancel)
    lock = process.hold(prepared / LOCK)
    reader, writer = os.pipe()
    if os.fork() > 0:
        os.close(writer)
        return 0 if os.read(reader, 1) else 1
    os.close(reader)
    os.setsid()
    process.sign(lock)
    _redirect(prepared / OUTPUT)
    folder = begun_folder(prepared)
    prepared.rename(folder)  # from now on it is seen as running
    os.write(writer, b".")
    os.close(writer)
    _Run(folder, cancel, commands or SystemCommands(), Journal()).run(kinds)
    return 0


class _Run:
    """One job, from its specification to its outcome."""

    def __init__(
        self, folder: Path, cancel: CancelToken, commands: Commands, journal: Journal
    ) -> None:
        self._folder = folder
        self._cancel = cancel
        self._commands = commands
        self._journal = journal
        self._emit = EventLog(folder / EVENTS)

    def run(self, kinds: Mapping[str, str]) -> None:
        file = OutcomeFile(self._folder / RESULT)
        specification = Specification.from_json((self._folder / SPECIFICATION).read_text())
        write_durably(self._folder / SPECIFICATION, specification.redacted().to_json())
        os.environ.update(specification.environment)
        title = specification.title
        self._journal.log(f"Initiated txn {title} for {specification.user}")
        outcome = self._execute(specification, kinds)
        if outcome.result is not None and outcome.result.reboot:
            outcome = self._restart(outcome)
        event = outcome.event
        self._emit(event)
        if event.ok:
            self._journal.log(f"Txn {title} successful")
        else:
            self._journal.log(f"Txn {title} failed: {event.message}", ERROR)
        file.write(outcome)

    def _execute(self, specification: Specification, kinds: Mapping[str, str]) -> Outcome:
        try:
            result = specification.transaction(kinds).execute(self._emit, self._cancel)
            return Outcome(time.time(), result)
        except PhotreeError as error:
            return Outcome(time.time(), error=error)
        except Exception:
            traceback.print_exc()  # to the job's output
            defect = PhotreeError(
                f"{specification.title} failed: this is a defect in photree.",
                f"Please report it with {self._folder / OUTPUT}.",
            )
            return Outcome(time.time(), error=defect)

    def _restart(self, outcome: Outcome) -> Outcome:
        """Before the outcome is written, which can say if this fails: the signal that ends us at
        shutdown is heard, and changes nothing any more."""
        try:
            self._commands.run(["systemctl", "reboot"])
        except CommandError as error:
            failure = PhotreeError(
                f"Done, but the machine could not be restarted: {error.message}",
                "Restart it yourself.",
                error.detail,
            )
            return Outcome(outcome.finished, error=failure)
        return outcome


def _listen(cancel: CancelToken) -> None:
    """A terminal that hangs up is no reason to stop. (Ignored signals would be inherited by the
    programs that a transaction runs, handlers are not.)"""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: cancel.cancel())
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)


def _redirect(output: Path) -> None:
    """C libraries write to the standard outputs; what they say belongs to the job."""
    os.umask(0o022)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDONLY)
    log = os.open(output, os.O_WRONLY | os.O_APPEND)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(log)
    faulthandler.enable()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
