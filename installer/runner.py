"""Runs steps in order, and releases what they took in reverse order, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import PhotreeError, PlanError
from engine.events import (
    Event,
    JobFinished,
    LogLine,
    Progress,
    StepFinished,
    StepStarted,
)
from installer.context import Context
from installer.steps.step import Step


def run_steps(steps: Sequence[Step], ctx: Context) -> None:
    """Run every step, or up to the first failure; then undo all that began, last one first.

    Reports StepStarted and StepFinished for each step and one JobFinished at the end. Raises what
    the failing step raised (Cancelled included). A failing undo is logged and does not keep the
    others from running; after an otherwise good run it is raised.
    """
    begun: list[Step] = []
    failure: BaseException | None = None
    try:
        for index, step in enumerate(steps, start=1):
            ctx.cancel.check()
            ctx.emit(StepStarted(step.id, step.title, index, len(steps)))
            start = time.monotonic()
            begun.append(step)
            ctx.target.step = step.id
            step.do(ctx)
            ctx.emit(StepFinished(step.id, time.monotonic() - start))
    except BaseException as error:
        failure = error
    failure = _release(begun, ctx, failure)
    if failure is None:
        ctx.emit(JobFinished(ok=True, message=ctx.outcome))
        return
    ctx.emit(failed(failure))
    raise failure


def _release(
    begun: Sequence[Step], ctx: Context, failure: BaseException | None
) -> BaseException | None:
    """Undo in reverse order; the first failure of all is returned."""
    for step in reversed(begun):
        try:
            step.undo(ctx)
        except Exception as error:
            ctx.emit(LogLine(f"Cleaning up after {step.title!r}: {error}", "warning", step.id))
            failure = failure or error
    return failure


def failed(failure: BaseException) -> JobFinished:
    """The end of a job that failed, with every problem in its message."""
    if isinstance(failure, PlanError):
        message = " ".join([failure.message, *(f"{problem}." for problem in failure.problems)])
        return JobFinished(ok=False, message=message, hint=failure.hint)
    if isinstance(failure, PhotreeError):
        return JobFinished(ok=False, message=failure.message, hint=failure.hint)
    return JobFinished(ok=False, message=f"Internal error: {failure!r}")


@dataclass(frozen=True)
class StepInfo:
    """What front ends in other processes know of a step; see `Step`."""

    id: str
    title: str
    weight: int = 1

    @classmethod
    def of(cls, step: Step) -> StepInfo:
        return cls(step.id, step.title, step.weight)


class OverallProgress:
    """The share of the whole job that is done, from its events; it never runs backwards.

    Steps count by their weight, and within a step by its own Progress events.
    """

    def __init__(self, steps: Sequence[StepInfo]) -> None:
        self._total = sum(step.weight for step in steps) or 1
        self._weights = {step.id: step.weight for step in steps}
        self._done = 0
        self._fraction = 0.0

    def __call__(self, event: Event) -> float:
        """Take an event into account; returns 0.0 … 1.0."""
        part = 0.0
        match event:
            case StepFinished():
                self._done += self._weights.pop(event.step, 0)
            case Progress() if event.total > 0:
                share = min(1.0, event.done / event.total)
                part = share * self._weights.get(event.step, 0)
            case JobFinished(ok=True):
                self._done = self._total
        self._fraction = max(self._fraction, min(1.0, (self._done + part) / self._total))
        return self._fraction
