"""What is to be seen of an installation while it runs, made from its events."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.events import Event, JobFinished, LogLine, Progress, StepFinished, StepStarted
from installer.runner import OverallProgress, StepInfo

_LINES = 5000  # of the log are kept
_TELLING = 0.03  # what is done before the time that is left can be told


class State(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class StepView:
    """seconds: that it took; of a running one, those so far."""

    title: str
    state: State = State.WAITING
    seconds: float = 0.0


@dataclass(frozen=True)
class View:
    """fraction: of everything, 0.0 to 1.0. left: seconds, None while that cannot be told.
    progress: of the running step, if it reports any."""

    steps: tuple[StepView, ...] = ()
    fraction: float = 0.0
    elapsed: float = 0.0
    left: float | None = None
    progress: Progress | None = None

    @property
    def running(self) -> StepView | None:
        return next((step for step in self.steps if step.state is State.RUNNING), None)


class Watch:
    """An Emit that remembers what a screen shows. May be called and asked from any thread.

    started: when the installation began, by the clock.
    """

    def __init__(
        self,
        steps: Sequence[StepInfo],
        started: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._overall = OverallProgress(steps)
        self._steps = {step.id: StepView(step.title) for step in steps}
        self._started = started
        self._clock = clock
        self._fraction = 0.0
        self._current = ""
        self._progress: Progress | None = None
        self._ended: float | None = None
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._told = 0
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._fraction = self._overall(event)
            match event:
                case StepStarted():
                    self._begin(event)
                case StepFinished():
                    self._end(event)
                case Progress():
                    self._progress = event
                case LogLine():
                    mark = f"{event.level}: " if event.level in ("warning", "error") else ""
                    self._tell(f"{mark}{event.text}")
                case JobFinished():
                    self._finish(event)

    def view(self) -> View:
        """What is to be seen now."""
        with self._lock:
            now = self._ended or self._clock()
            elapsed = max(0.0, now - self._started)
            steps = dict(self._steps)
            running = steps.get(self._current)
            if running is not None and running.state is State.RUNNING:
                steps[self._current] = replace(running, seconds=self._running_for(elapsed))
            return View(
                tuple(steps.values()), self._fraction, elapsed, self._left(elapsed), self._progress
            )

    def lines(self, since: int = 0) -> tuple[int, list[str]]:
        """The log's lines after the first `since` ones, as far as they are kept; and how many
        there were, to ask on from."""
        with self._lock:
            new = min(self._told - since, len(self._lines))
            kept = list(self._lines)
            return self._told, kept[len(kept) - new :] if new > 0 else []

    def _begin(self, event: StepStarted) -> None:
        self._current = event.step
        self._progress = None
        self._steps[event.step] = StepView(event.title, State.RUNNING)
        self._tell(f"== {event.title}")

    def _end(self, event: StepFinished) -> None:
        former = self._steps.get(event.step, StepView(event.step))
        self._steps[event.step] = StepView(former.title, State.DONE, event.seconds)
        self._progress = None

    def _finish(self, event: JobFinished) -> None:
        self._ended = self._clock()
        running = self._steps.get(self._current)
        if not event.ok and running is not None and running.state is State.RUNNING:
            seconds = self._running_for(self._ended - self._started)
            self._steps[self._current] = replace(running, state=State.FAILED, seconds=seconds)
        self._tell(f"== {event.message or 'done'}")

    def _running_for(self, elapsed: float) -> float:
        """Of whoever looks on later, too: all that the finished ones did not take."""
        done = sum(step.seconds for step in self._steps.values() if step.state is State.DONE)
        return max(0.0, elapsed - done)

    def _left(self, elapsed: float) -> float | None:
        """As if the rest went at the pace of what is done, but never less than the running step
        says for itself."""
        if self._ended is not None or self._fraction < _TELLING:
            return None
        rest = elapsed * (1 - self._fraction) / self._fraction
        return max(rest, (self._progress.eta if self._progress else None) or 0.0)

    def _tell(self, line: str) -> None:
        self._lines.append(line)
        self._told += 1


def clock_text(seconds: float) -> str:
    """Minutes and seconds, or hours: 0:07, 12:40, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def bar_text(fraction: float, width: int) -> str:
    """[#####.....] of so many characters."""
    inner = max(1, width - 2)
    full = min(inner, int(fraction * inner))
    return f"[{'#' * full}{'.' * (inner - full)}]"
