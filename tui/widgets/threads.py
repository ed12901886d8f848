"""Work in a thread, awaited by the screen that wants its result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from textual.dom import DOMNode
from textual.worker import WorkerCancelled, WorkerFailed

_T = TypeVar("_T")


async def in_thread(node: DOMNode, action: Callable[[], _T]) -> _T:
    """What action returns. Raises what it raises, which `Worker.wait` alone would wrap."""
    worker = node.run_worker(action, thread=True, exit_on_error=False, group="thread")
    try:
        return await worker.wait()
    except WorkerCancelled:  # `wait` hides that it is its caller that was cancelled
        raise asyncio.CancelledError from None
    except WorkerFailed as failure:
        raise failure.error from None
