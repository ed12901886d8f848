"""Cancellation: one token a job, asked by loops and passed on to whatever blocks."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from engine.errors import Cancelled


class CancelToken:
    """Set once, never unset. Safe to cancel from a signal handler or another thread."""

    def __init__(self) -> None:
        self._cancelled = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Ask to stop; what is registered by `calling` is told at once."""
        self._cancelled = True
        for callback in tuple(self._callbacks):
            callback()

    def check(self) -> None:
        """Raise Cancelled when somebody asked to stop."""
        if self._cancelled:
            raise Cancelled()

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call callback when cancelled inside this block (at once when it already is)."""
        self._callbacks.append(callback)
        try:
            if self._cancelled:
                callback()
            yield
        finally:
            self._callbacks.remove(callback)


@contextmanager
def cancelled_by_signals(
    token: CancelToken,
    numbers: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
) -> Iterator[None]:
    """These signals cancel the token inside this block (main thread only).

    After the first one further signals change nothing: the clean-up must be able to finish.
    """

    def handler(_number: int, _frame: object) -> None:
        token.cancel()

    former = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, action in former.items():
            signal.signal(number, action)
