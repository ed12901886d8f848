"""Transactions for the tests of jobs, and (as a program) the runner that knows them.

They tell what they do by files in a folder, and wait for files there.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine import errors
from engine.cancel import CancelToken
from engine.command import Output
from engine.errors import CommandError, PlanError, Problem
from engine.events import Emit, LogLine, Progress, StepFinished, StepStarted
from engine.jobs.runner import main
from engine.transactions.transaction import Result, Transaction

PROGRAM = (sys.executable, "-P", "-m", "tests.engine.jobs.kinds")


@dataclass(frozen=True)
class Waits(Transaction):
    """Says "begun", and ends when the folder has the file "go"."""

    kind: ClassVar[str] = "waits"
    folder: str = ""
    words: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return " ".join(["wait", *self.words])

    def execute(self, emit: Emit, cancel: CancelToken) -> Result:
        folder = Path(self.folder)
        emit(StepStarted("wait", "Waiting"))
        emit(LogLine(f"for {' '.join(self.words)}"))
        (folder / "begun").write_text(f"{os.getpid()}")
        while not (folder / "go").exists():
            cancel.check()
            time.sleep(0.01)
        emit(StepFinished("wait", 1.0))
        return Result(True, "Waited.", "photon-1")


@dataclass(frozen=True)
class Fails(Transaction):
    """error: a class of engine.errors, or another exception's name."""

    kind: ClassVar[str] = "fails"
    error: str = ""

    @property
    def title(self) -> str:
        return "fail"

    def execute(self, emit: Emit, cancel: CancelToken) -> Result:
        os.write(2, b"a library complains\n")
        if self.error == "PlanError":
            raise PlanError(
                "It is wrong.", [Problem("a:1", "Bad", "Do not"), Problem("", "B")], "H"
            )
        if self.error == "KILL":
            os.kill(os.getpid(), 9)
        if not hasattr(errors, self.error):
            raise ValueError("nobody expected this")
        raise getattr(errors, self.error)("It failed.", "Try again.", "detail\n" * 3)


@dataclass(frozen=True)
class Counts(Transaction):
    """Reports a counter up to count, as fast as it can."""

    kind: ClassVar[str] = "counts"
    count: int = 0

    @property
    def title(self) -> str:
        return f"count to {self.count}"

    def execute(self, emit: Emit, cancel: CancelToken) -> Result:
        emit(StepStarted("count", "Counting"))
        for done in range(1, self.count + 1):
            emit(Progress("count", done, self.count, "numbers"))
        emit(StepFinished("count", 0.0))
        return Result(False, "Counted.")


@dataclass(frozen=True)
class Tells(Transaction):
    """Returns what it has in its environment."""

    kind: ClassVar[str] = "tells"

    @property
    def title(self) -> str:
        return "tell"

    def execute(self, emit: Emit, cancel: CancelToken) -> Result:
        return Result(True, details=dict(os.environ))


@dataclass(frozen=True)
class Restarts(Transaction):
    """Asks for a restart. The runner below has no machine to restart: it writes down the command,
    or fails when there is no folder."""

    kind: ClassVar[str] = "restarts"

    @property
    def title(self) -> str:
        return "restart"

    def execute(self, emit: Emit, cancel: CancelToken) -> Result:
        return Result(True, "Ready.", reboot=True)


class NoMachine:
    """Commands that are written down in `RESTARTED`, next to the jobs."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def run(self, argv: list[str], **_options: object) -> Output:
        if not self._file.exists():
            raise CommandError("systemctl failed with exit code 1: no machine.")
        self._file.write_text(" ".join(argv))
        return Output("", "")


RESTARTED = "restarted"
KINDS = {
    found.kind: f"tests.engine.jobs.kinds:{found.__name__}"
    for found in (Waits, Fails, Counts, Restarts, Tells)
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], KINDS, NoMachine(Path(sys.argv[1]).parents[1] / RESTARTED)))
