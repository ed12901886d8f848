"""Work on several threads, watched by the caller's thread, which alone talks to the listeners."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from engine.cancel import CancelToken
from engine.errors import Cancelled
from engine.events import Emit, Event, Progress

_R = TypeVar("_R")
_TURN_SECONDS = 0.1
_RATE_SECONDS = 5.0


def in_parallel(
    tasks: Sequence[Callable[[CancelToken, Emit], _R]],
    workers: int,
    emit: Emit,
    cancel: CancelToken,
    on_turn: Callable[[], None] = lambda: None,
) -> list[_R]:
    """The results of the tasks, in their order; at most `workers` run at a time.

    on_turn is called some ten times a second, and once at the end, in the caller's thread; so is
    emit. The first error cancels the other tasks and is raised when they have ended.
    """
    inner = CancelToken()
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    with (
        ThreadPoolExecutor(max_workers=workers) as pool,
        cancel.calling(inner.cancel),
    ):
        futures = [pool.submit(task, inner, events.put) for task in tasks]
        try:
            _watch(futures, events, emit, on_turn)
        finally:
            if not all(future.done() for future in futures):
                inner.cancel()
                pool.shutdown(cancel_futures=True)
    cancel.check()
    _raise_first(futures)
    return [future.result() for future in futures]


def _watch(
    futures: Sequence[Future[_R]],
    events: queue.SimpleQueue[Event],
    emit: Emit,
    on_turn: Callable[[], None],
) -> None:
    """Until all are done, or one has failed."""
    pending: set[Future[_R]] = set(futures)
    failed = False
    while pending and not failed:
        done, pending = wait(pending, timeout=_TURN_SECONDS, return_when=FIRST_EXCEPTION)
        failed = any(future.exception() is not None for future in done)
        while not events.empty():
            emit(events.get())
        on_turn()


def _raise_first(futures: Sequence[Future[_R]]) -> None:
    """The error that made the others stop, not their Cancelled."""
    errors = [e for f in futures if not f.cancelled() and (e := f.exception()) is not None]
    for error in errors:
        if not isinstance(error, Cancelled):
            raise error
    for error in errors:
        raise error


class ByteCounter:
    """Bytes that several threads have done; `report` tells, in the caller's thread.

    What is told never goes back, though a part may have to be got again. The rate is that of the
    last seconds.
    """

    def __init__(self, total: int, emit: Emit, step: str) -> None:
        self._total = total
        self._emit = emit
        self._step = step
        self._done = 0
        self._told = 0
        self._lock = threading.Lock()
        self._past: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count

    def report(self) -> None:
        now = time.monotonic()
        self._told = max(self._told, min(self._done, self._total))
        self._past.append((now, self._told))
        while now - self._past[0][0] > _RATE_SECONDS and len(self._past) > 2:
            self._past.popleft()
        then, done = self._past[0]
        rate = (self._told - done) / (now - then) if now > then else 0.0
        self._emit(Progress(self._step, self._told, self._total, "bytes", rate))
