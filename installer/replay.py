"""An installation that only shows: the events of a real one, at the pace they had."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from importlib import resources

from engine.errors import Cancelled, PhotreeError
from engine.events import Emit, Event, JobFinished, StepStarted, from_json
from engine.jobs.outcome import Outcome
from engine.transactions.transaction import Result
from installer.install import Install
from installer.installations import Attempt
from installer.runner import StepInfo

RECORDING = "recordings/installation.json"
MESSAGE = "This was a dry run: nothing was installed."
_TURN_SECONDS = 0.1
Timed = tuple[float, Event]


def recorded_events() -> tuple[Timed, ...]:
    """Those of the recording that comes with the package: seconds since its beginning, event."""
    text = resources.files("installer").joinpath(RECORDING).read_text(encoding="utf-8")
    return tuple((seconds, from_json(json.dumps(event))) for seconds, event in json.loads(text))


class ReplayedAttempt:
    """install: what would have been installed."""

    def __init__(
        self, install: Install, events: Sequence[Timed], wait: Callable[[float], None] | None
    ) -> None:
        """wait: passes some seconds; None does so in real time."""
        self.install = install
        self.started = time.time()
        self.outcome: Outcome | None = None
        self._events = events
        self._cancelled = threading.Event()
        self._wait = wait or (lambda seconds: bool(self._cancelled.wait(seconds)) or None)

    @property
    def steps(self) -> tuple[StepInfo, ...]:
        """With the weights that the recording shows, in tenths of a second."""
        starts = [(at, each) for at, each in self._events if isinstance(each, StepStarted)]
        ends = [at for at, _each in starts[1:]] + [at for at, _each in self._events[-1:]]
        return tuple(
            StepInfo(each.step, each.title, max(1, round(10 * (end - at))))
            for (at, each), end in zip(starts, ends, strict=True)
        )

    def follow(self, emit: Emit, stop: Callable[[], bool]) -> Outcome | None:
        if self.outcome is None:
            now = 0.0
            for at, event in self._events:
                while now < at and not self._cancelled.is_set():
                    if stop():
                        return None
                    turn = min(_TURN_SECONDS, at - now)
                    self._wait(turn)
                    now += turn
                if self._cancelled.is_set():
                    break
                if not isinstance(event, JobFinished):
                    emit(event)
            self.outcome = self._end()
        emit(self.outcome.event)
        return self.outcome

    def cancel(self) -> None:
        self._cancelled.set()

    def _end(self) -> Outcome:
        if self._cancelled.is_set():
            return Outcome(time.time(), error=Cancelled())
        return Outcome(time.time(), Result(False, MESSAGE))


class ReplayedInstallations:
    """Every installation is the recorded one; none is in a process of its own."""

    def __init__(
        self,
        events: Callable[[], Sequence[Timed]] = recorded_events,
        wait: Callable[[float], None] | None = None,
        failure: PhotreeError | None = None,
    ) -> None:
        """failure: what `start` raises."""
        self.started: list[Install] = []
        self._events = events
        self._wait = wait
        self._failure = failure

    def start(self, install: Install) -> Attempt:
        if self._failure is not None:
            raise self._failure
        self.started.append(install)
        return ReplayedAttempt(install, self._events(), self._wait)

    def running(self) -> Attempt | None:
        return None

    def last(self) -> Attempt | None:
        return None

    def can_resume(self, install: Install) -> bool:
        return False
