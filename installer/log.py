"""The installer's log: every event with its time, a line each; and how a second console reads it.

A line is an ISO 8601 time, a blank, and the event as JSON (`engine.events.to_json`).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

from engine.errors import PhotreeError, PlanError
from engine.events import Emit, Event, JobFinished, LogLine, from_json, to_json

LOG = Path("/var/log/photree-installer.log")
_TURN_SECONDS = 0.2


@contextmanager
def log_file(path: Path, emit: Emit, *, append: bool = False) -> Iterator[Emit]:
    """An Emit that writes every event with its time; the file is for root only.

    append: after what is there, instead of over it. What fails inside goes to the log with all its
    detail, and is its end. A log that cannot be written is no reason not to install: emit gets a
    warning, and events are dropped.
    """
    how = os.O_APPEND if append else os.O_TRUNC
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not append and path.is_file() and not path.is_symlink():
            path.unlink()  # who follows the former one sees that this is another
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)
    except OSError as error:
        emit(LogLine(f"there will be no log: {path}: {error.strerror}", "warning"))
        yield lambda _event: None
        return
    with os.fdopen(descriptor, "w", encoding="utf-8", buffering=1) as stream:
        log = _Log(stream)
        try:
            yield log
        except PhotreeError as error:
            log.failure(error)
            raise


class _Log:
    """What cannot be written (a full disk) is left out: the work goes on without its report."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._ended = False

    def __call__(self, event: Event) -> None:
        self._ended = self._ended or isinstance(event, JobFinished)
        now = datetime.now().isoformat(timespec="milliseconds")
        with contextlib.suppress(OSError):
            self._stream.write(f"{now} {to_json(event)}\n")

    def failure(self, error: PhotreeError) -> None:
        for problem in error.problems if isinstance(error, PlanError) else ():
            self(LogLine(str(problem), level="error"))
        for line in (error.message, *error.detail.splitlines()):
            self(LogLine(line, level="error"))
        if not self._ended:
            self(JobFinished(ok=False, message=error.message, hint=error.hint))


def read_line(line: str) -> tuple[datetime, Event]:
    """A line of the log. Raises ValueError for anything else."""
    when, _blank, text = line.partition(" ")
    return datetime.fromisoformat(when), from_json(text)


def follow(
    path: Path,
    stop: Callable[[], bool] = lambda: False,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """The events of a log that is being written, from its beginning; those of the next one too,
    when it is written anew. Waits for a file that is not there yet. Ends when stop() says so."""
    reader: _Reader | None = None
    try:
        while not stop():
            if reader is None or reader.replaced(path):
                if reader is not None:
                    reader.close()
                reader = _Reader.open(path)
            found = reader.new() if reader is not None else []
            yield from found
            if not found:
                wait(_TURN_SECONDS)
    finally:
        if reader is not None:
            reader.close()


class _Reader:
    def __init__(self, file: int) -> None:
        self._file = file
        self._rest = b""

    @classmethod
    def open(cls, path: Path) -> _Reader | None:
        """None while there is no file. Raises PhotreeError without privileges."""
        try:
            return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            return None
        except OSError as error:
            hint = "Use sudo." if isinstance(error, PermissionError) else ""
            raise PhotreeError(f"The log {path} cannot be read: {error.strerror}.", hint) from error

    def close(self) -> None:
        os.close(self._file)

    def replaced(self, path: Path) -> bool:
        """Whether another log is in the file's place, or it was emptied."""
        ours = os.fstat(self._file)
        try:
            there = path.stat()
        except OSError:
            return False
        emptied = ours.st_size < os.lseek(self._file, 0, os.SEEK_CUR)
        return emptied or (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino)

    def new(self) -> list[Event]:
        """What was completed since the last call."""
        events: list[Event] = []
        while chunk := os.read(self._file, 1 << 16):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    events.append(read_line(line.decode(errors="replace"))[1])
        return events
