"""The named parts of a long operation, announced as they begin and end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from engine.cancel import CancelToken
from engine.events import Emit, StepFinished, StepStarted


class Steps:
    """Announces steps; none begins after a cancellation."""

    def __init__(
        self, titles: Mapping[str, str], emit: Emit, cancel: CancelToken, *, numbered: bool = True
    ) -> None:
        """titles: of every step that may come, by its name, in order. numbered: all of them come,
        so that it can be said how many are left."""
        self.emit = emit
        self.cancel = cancel
        self._titles = titles
        self._numbered = numbered

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        self.cancel.check()
        start = time.monotonic()
        index, count = list(self._titles).index(step) + 1, len(self._titles)
        if not self._numbered:
            index = count = 0
        self.emit(StepStarted(step, self._titles[step], index, count))
        yield
        self.emit(StepFinished(step, time.monotonic() - start))
