"""Turns a counter into Progress events: throttled, with a rate, and never running backwards."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from engine.events import Emit, Progress

_INTERVAL = 0.1  # seconds between two events
_WINDOW = 5.0  # seconds the rate is measured over


class ProgressMeter:
    """Reports one counter of one step.

    done never decreases and never passes total, once that is known. The unit is fixed.
    """

    def __init__(
        self,
        emit: Emit,
        step: str,
        unit: str = "bytes",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._emit = emit
        self._step = step
        self._unit = unit
        self._clock = clock
        self._done = 0
        self._total = 0
        self._note = ""
        self._last = float("-inf")
        self._samples: deque[tuple[float, int]] = deque([(clock(), 0)])

    def update(self, done: int, total: int = 0, note: str = "") -> None:
        """The counter is at done; total 0 means unknown. At most ten events a second."""
        self._total = max(total, self._total)
        self._done = max(done, self._done)
        if self._total:
            self._done = min(self._done, self._total)
        self._note = note
        now = self._clock()
        if now - self._last >= _INTERVAL:
            self._report(now)

    def finish(self) -> None:
        """Everything is done: the last event has done equal to total."""
        self._total = self._done = max(self._total, self._done)
        self._report(self._clock())

    def _report(self, now: float) -> None:
        self._last = now
        self._samples.append((now, self._done))
        while len(self._samples) > 2 and self._samples[1][0] < now - _WINDOW:
            self._samples.popleft()
        first, before = self._samples[0]
        rate = (self._done - before) / (now - first) if now > first else 0.0
        self._emit(Progress(self._step, self._done, self._total, self._unit, rate, self._note))
