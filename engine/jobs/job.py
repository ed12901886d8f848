"""A job as other processes see it: its folder tells what it does and how it ended."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import PhotreeError
from engine.events import Emit
from engine.jobs import process
from engine.jobs.eventlog import EventReader
from engine.jobs.outcome import Outcome
from engine.jobs.specification import Specification

SPECIFICATION = "specification.json"
EVENTS = "events.jsonl"
OUTPUT = "output.log"
RESULT = "result.json"
LOCK = "lock"
_TURN_SECONDS = 0.03
_SHOWN_OUTPUT = 4000  # bytes


@dataclass(frozen=True)
class Job:
    """folder: named by the job's id. Its process may have ended long ago."""

    folder: Path
    specification: Specification

    @classmethod
    def load(cls, folder: Path) -> Job:
        """Raises OSError and ValueError for a folder that is none of a job."""
        text = (folder / SPECIFICATION).read_text()
        return cls(folder, Specification.from_json(text))

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def title(self) -> str:
        return self.specification.title

    @property
    def pid(self) -> int:
        """Of its process, while that is running."""
        return process.holder(self.folder / LOCK)

    @property
    def running(self) -> bool:
        return self.outcome is None

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, None while it is running."""
        written = self._written_outcome()
        if written is not None or process.is_held(self.folder / LOCK):
            return written
        # it may have ended after the first look
        return self._written_outcome() or self._broken_off()

    def follow(
        self,
        emit: Emit,
        *,
        stop: Callable[[], bool] = lambda: False,
        replay: bool = True,
    ) -> Outcome | None:
        """Report its events until it has ended, or stop() says so (then None is returned).

        replay: all events since its beginning; else only those that come from now on.
        """
        with EventReader(self.folder / EVENTS, replay=replay) as reader:
            while not stop():
                outcome = self.outcome  # before the events: nothing comes after it
                events = reader.new()
                for event in events:
                    emit(event)
                if outcome is not None:
                    return outcome
                if not events:
                    time.sleep(_TURN_SECONDS)
        return None

    def wait(self) -> Outcome:
        """Until it has ended."""
        while (outcome := self.outcome) is None:
            time.sleep(_TURN_SECONDS)
        return outcome

    def cancel(self) -> bool:
        """Ask it to stop, without waiting; False when it has ended already."""
        return self.running and process.send_signal(self.folder / LOCK, signal.SIGTERM)

    def _written_outcome(self) -> Outcome | None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return Outcome.from_json((self.folder / RESULT).read_text())
        return None

    def _broken_off(self) -> Outcome:
        """Of a process that was killed, crashed, or lost its power."""
        output = self.folder / OUTPUT
        error = PhotreeError(
            f"{self.title} (process {self.pid}) ended unexpectedly.",
            f"See `photree status`, and {output} for what it printed; then start it again.",
            output.read_bytes()[-_SHOWN_OUTPUT:].decode(errors="replace"),
        )
        return Outcome((self.folder / EVENTS).stat().st_mtime, error=error)
