"""What a long operation reports: one stream of small frozen values, rendered in many ways.

Serialised as one JSON object a line, with the class's name in "event".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class StepStarted:
    """A named part of the work begins; index counts from 1 up to count. Both are 0 when it is not
    known which parts will come."""

    step: str
    title: str
    index: int = 1
    count: int = 1


@dataclass(frozen=True)
class Progress:
    """done of total in unit ("bytes", "objects", "packages", ...), rate in unit a second.

    total is 0 while it is not known yet; rate is 0.0 while there is nothing to measure.
    """

    step: str
    done: int
    total: int
    unit: str
    rate: float = 0.0
    note: str = ""

    @property
    def eta(self) -> float | None:
        """Seconds left, or None while that cannot be told."""
        if self.rate <= 0 or self.total <= 0:
            return None
        return max(0, self.total - self.done) / self.rate


@dataclass(frozen=True)
class LogLine:
    """A line for the log: a command's output, a warning, a remark."""

    text: str
    level: str = "info"  # debug | info | warning | error
    step: str = ""


@dataclass(frozen=True)
class StepFinished:
    """A part of the work ended well after so many seconds."""

    step: str
    seconds: float


@dataclass(frozen=True)
class JobFinished:
    """The whole work ended; message and hint are empty on success."""

    ok: bool
    message: str = ""
    hint: str = ""


Event = StepStarted | Progress | LogLine | StepFinished | JobFinished
Emit = Callable[[Event], None]

_CLASSES: dict[str, type[Event]] = {
    cls.__name__: cls for cls in (StepStarted, Progress, LogLine, StepFinished, JobFinished)
}


def discard(event: Event) -> None:
    """An Emit for callers that do not listen."""


def to_json(event: Event) -> str:
    """One line of JSON, without the newline."""
    return json.dumps({"event": type(event).__name__, **asdict(event)}, ensure_ascii=False)


def from_json(line: str) -> Event:
    """The inverse of `to_json`; raises ValueError for anything else."""
    values = json.loads(line)
    cls = _CLASSES.get(values.pop("event", "")) if isinstance(values, dict) else None
    if cls is None:
        raise ValueError(f"not an event: {line!r}")
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"not an event: {line!r}") from error
