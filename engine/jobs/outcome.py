"""How a job ended: what its transaction returned or raised, written down for other processes."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine import errors
from engine.errors import Cancelled, PhotreeError, PlanError, Problem
from engine.events import JobFinished
from engine.state_file import sync_folder
from engine.transactions.transaction import Result

_CLASSES: Mapping[str, type[PhotreeError]] = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, PhotreeError)
}
_MOST_DETAIL = 16_000  # characters; the end is kept
_RESERVED = 128 << 10  # bytes, more than what failed ones take


@dataclass(frozen=True)
class Outcome:
    """Either a result or an error. finished: seconds since 1970."""

    finished: float
    result: Result | None = None
    error: PhotreeError | None = None

    @property
    def cancelled(self) -> bool:
        return isinstance(self.error, Cancelled)

    def get(self) -> Result:
        """The result; raises the error of a job that failed."""
        if self.result is None:
            raise self.error or PhotreeError("The job ended without a result.")
        return self.result

    @property
    def event(self) -> JobFinished:
        """The last one of the job's events, with every problem in its message."""
        if self.error is None:
            return JobFinished(ok=True)
        found = self.error.problems if isinstance(self.error, PlanError) else ()
        message = " ".join([self.error.message, *(f"{problem}." for problem in found)])
        return JobFinished(ok=False, message=message, hint=self.error.hint)

    def to_json(self) -> str:
        document: dict[str, Any] = {"ok": self.error is None, "finished": self.finished}
        if self.result is not None:
            document["result"] = asdict(self.result)
        if self.error is not None:
            document["error"] = _error_to_json(self.error)
        return json.dumps(document, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """The inverse of `to_json`; raises ValueError for anything else."""
        try:
            document = json.loads(text)
            if document["ok"]:
                return cls(document["finished"], result=Result(**document["result"]))
            return cls(document["finished"], error=_error_from_json(document["error"]))
        except (KeyError, TypeError) as failure:
            raise ValueError(f"not an outcome: {text!r}") from failure


def _error_to_json(error: PhotreeError) -> dict[str, Any]:
    """With the name of the nearest class that every process knows."""
    document: dict[str, Any] = {
        "class": next(cls.__name__ for cls in type(error).__mro__ if cls.__name__ in _CLASSES),
        "message": error.message,
        "hint": error.hint,
        "detail": error.detail[-_MOST_DETAIL:],
    }
    if isinstance(error, PlanError):
        document["problems"] = [asdict(problem) for problem in error.problems]
    return document


def _error_from_json(document: Mapping[str, Any]) -> PhotreeError:
    found = _CLASSES.get(document["class"], PhotreeError)
    error: PhotreeError
    if issubclass(found, PlanError):
        problems = [Problem(**problem) for problem in document["problems"]]
        error = found(document["message"], problems)
    else:
        error = found(document["message"])
    error.hint, error.detail = document["hint"], document["detail"]
    return error


class OutcomeFile:
    """Takes the disk space for an outcome when the job begins: a job that fails because the disk
    is full must be able to say so. The file has its name only when it is complete."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserved = path.with_suffix(".reserved")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._file = os.open(self._reserved, flags, 0o600)
        with contextlib.suppress(OSError):  # `cleanup` must run on a full disk, too
            os.posix_fallocate(self._file, 0, _RESERVED)

    def write(self, outcome: Outcome) -> None:
        data = outcome.to_json().encode()
        with open(self._file, "wb", closefd=True) as file:  # noqa: PTH123 - it is open
            file.write(data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        self._reserved.rename(self._path)
        sync_folder(self._path.parent)
