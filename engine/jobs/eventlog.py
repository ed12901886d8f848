"""The events of a job on disk: one JSON object a line, appended as they come."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from engine.events import Event, LogLine, Progress, from_json, to_json
from engine.jobs.specification import without_passwords

_INTERVAL = 0.1  # seconds between two progress events of a step
_UNCOUNTED = 1.0  # the same while the total is not known
_STILL = 2.0  # seconds until an event is written that shows no visible change
_VISIBLE = 1000  # parts of the total: fewer are not seen


class EventLog:
    """An Emit that appends to a file. May be called from any thread.

    Of a step's progress only what can be seen is kept: at most ten events a second, changes of a
    thousandth of the total or more, and one every two seconds otherwise. So an hour's download
    takes less than half a megabyte. The last one before any other event of the work is never lost.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self._clock = clock
        self._lock = threading.Lock()
        self._written: dict[str, tuple[float, Progress]] = {}
        self._waiting: dict[str, Progress] = {}
        self._broken = False

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, Progress):
                self._progress(event)
                return
            if not isinstance(event, LogLine):
                for waiting in self._waiting.values():
                    self._write(waiting)
                self._waiting.clear()
            self._write(event)

    def _progress(self, event: Progress) -> None:
        now = self._clock()
        self._waiting[event.step] = event
        if event.step in self._written and not _visible(*self._written[event.step], event, now):
            return
        del self._waiting[event.step]
        self._written[event.step] = (now, event)
        self._write(event)

    def _write(self, event: Event) -> None:
        """What does not fit on a full disk is left out: the work goes on without its report."""
        line = without_passwords(to_json(event)) + "\n"
        data = (("\n" if self._broken else "") + line).encode(errors="replace")
        self._broken = True
        with contextlib.suppress(OSError):
            self._broken = os.write(self._file, data) != len(data)


def _visible(before: float, last: Progress, event: Progress, now: float) -> bool:
    """Whether event says more than last, which was written at the time before."""
    passed = now - before
    if passed >= _STILL or (event.total == 0) != (last.total == 0):
        return True
    if event.total == 0:
        return passed >= _UNCOUNTED
    return passed >= _INTERVAL and abs(event.done - last.done) * _VISIBLE >= event.total


class EventReader:
    """Reads the events of a file that another process appends to."""

    def __init__(self, path: Path, *, replay: bool = True) -> None:
        """replay: from the beginning; else only what comes from now on. Raises OSError."""
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._rest = b""
        if not replay:
            os.lseek(self._file, 0, os.SEEK_END)

    def __enter__(self) -> EventReader:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._file)

    def new(self) -> list[Event]:
        """What was completed since the last call. Lines cut off by a full disk are passed over."""
        events: list[Event] = []
        while chunk := os.read(self._file, 1 << 16):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    events.append(from_json(line.decode()))
        return events
