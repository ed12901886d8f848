"""The named parts of a long operation, announced as they begin and end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from engine.cancel import CancelToken
from engine.events import Emit, StepFinished, StepStarted


class Steps:
    """Announces steps, numbered in the order of titles; none begins after a cancellation."""

    def __init__(self, titles: Mapping[str, str], emit: Emit, cancel: CancelToken) -> None:
        """titles: of every step that may come, by its name, in order."""
        self.emit = emit
        self.cancel = cancel
        self._titles = titles

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        self.cancel.check()
        start = time.monotonic()
        index = list(self._titles).index(step) + 1
        self.emit(StepStarted(step, self._titles[step], index, len(self._titles)))
        yield
        self.emit(StepFinished(step, time.monotonic() - start))
