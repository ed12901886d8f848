"""A server from which nothing comes any more: libostree before 2024 would wait for it for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from engine.errors import NetworkError

PATIENCE = 60.0  # seconds; curl gives up connecting after 30, and libostree tries again
_SLOWEST = 1000  # bytes a second, as later versions of libostree have it


def is_waiting(progress: Any) -> bool:
    """Whether a pull waits for its server, and has nothing to write, check or sync itself."""
    if not progress.get_uint64("start-time"):  # asks for configuration and summary
        return True
    return bool(
        progress.get_uint("outstanding-fetches") and not progress.get_uint("outstanding-writes")
    )


class StallGuard:
    """Watches one transfer by libostree: for `run_blocking`, whose thread it ends by raising.

    what: the action with its place. A transfer stands still when in so many seconds no object was
    completed, and less than 1000 bytes a second have come, while the server is waited for.
    """

    def __init__(
        self,
        what: str,
        seconds: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._seconds = seconds
        self._clock = clock
        self._since = clock()
        self._fetched = 0
        self._bytes = 0

    def check(self, progress: Any = None) -> None:
        """progress: libostree's, None for what has none. Raises NetworkError."""
        now = self._clock()
        if progress is not None and self._moves(progress):
            self._since = now
        elif now - self._since > self._seconds:
            raise NetworkError(
                f"Could not {self._what}: for {self._seconds:g} s the server has sent nothing, or "
                "next to nothing.",
                "Check the network and the server, then run it again: it resumes.",
            )

    def _moves(self, progress: Any) -> bool:
        """Whether something came, or the work is our own: checking, writing, syncing."""
        fetched = progress.get_uint("fetched")
        received = progress.get_uint64("bytes-transferred")
        enough = received - self._bytes >= _SLOWEST * self._seconds
        if enough or fetched != self._fetched or not is_waiting(progress):
            self._fetched, self._bytes = fetched, received
            return True
        return False
