"""Running steps, and releasing what they took."""

import pytest

from engine.errors import Cancelled, StorageError
from engine.events import JobFinished, LogLine, Progress, StepFinished, StepStarted
from installer.runner import OverallProgress, StepInfo, run_steps
from installer.steps.step import Step
from tests.installer.plans import deployed, make_plan


class Recorder(Step):
    """Writes what happens to it into a shared list; fails where it is told to."""

    title = "A step"

    def __init__(self, name, diary, do_error=None, undo_error=None, weight=1):
        self.id, self.weight = name, weight
        self.diary, self.do_error, self.undo_error = diary, do_error, undo_error

    def do(self, ctx):
        self.diary.append(f"do {self.id}")
        if self.do_error:
            raise self.do_error

    def undo(self, ctx):
        self.diary.append(f"undo {self.id}")
        if self.undo_error:
            raise self.undo_error


@pytest.fixture
def scene():
    ctx, told = deployed(make_plan())
    return ctx, told, []


def test_steps_run_in_order_and_are_released_in_reverse(scene):
    ctx, _told, diary = scene
    run_steps([Recorder(name, diary) for name in "abc"], ctx)
    assert diary == ["do a", "do b", "do c", "undo c", "undo b", "undo a"]


def test_a_failing_step_is_undone_too_and_later_ones_never_begin(scene):
    ctx, _told, diary = scene
    steps = [Recorder("a", diary), Recorder("b", diary, StorageError("no")), Recorder("c", diary)]
    with pytest.raises(StorageError, match="no"):
        run_steps(steps, ctx)
    assert diary == ["do a", "do b", "undo b", "undo a"]


def test_a_cancelled_token_stops_before_the_next_step(scene):
    ctx, told, diary = scene

    class Cancels(Recorder):
        def do(self, ctx):
            super().do(ctx)
            ctx.cancel.cancel()

    with pytest.raises(Cancelled):
        run_steps([Cancels("a", diary), Recorder("b", diary)], ctx)
    assert diary == ["do a", "undo a"]
    assert told.events[-1] == JobFinished(ok=False, message="Cancelled.")


def test_even_an_interrupt_releases_everything(scene):
    ctx, _told, diary = scene
    with pytest.raises(KeyboardInterrupt):
        run_steps([Recorder("a", diary), Recorder("b", diary, KeyboardInterrupt())], ctx)
    assert diary[-2:] == ["undo b", "undo a"]


def test_a_failing_undo_does_not_keep_the_others_from_running(scene):
    ctx, told, diary = scene
    steps = [Recorder("a", diary), Recorder("b", diary, undo_error=StorageError("busy"))]
    with pytest.raises(StorageError, match="busy"):
        run_steps(steps, ctx)
    assert diary[-2:] == ["undo b", "undo a"]
    assert LogLine("Cleaning up after 'A step': busy", "warning", "b") in told.events


def test_the_first_failure_is_the_one_that_is_raised(scene):
    ctx, _told, diary = scene
    step = Recorder("a", diary, StorageError("first"), StorageError("second"))
    with pytest.raises(StorageError, match="first"):
        run_steps([step], ctx)


def test_events_of_a_good_run(scene):
    ctx, told, diary = scene
    run_steps([Recorder("a", diary), Recorder("b", diary)], ctx)
    kinds = [type(event) for event in told.events]
    assert kinds == [StepStarted, StepFinished, StepStarted, StepFinished, JobFinished]
    assert told.events[2] == StepStarted("b", "A step", 2, 2)
    assert told.events[-1].ok
    assert told.events[-1].message == ctx.outcome


def test_the_end_of_a_bad_run_has_message_and_hint(scene):
    ctx, told, diary = scene
    with pytest.raises(StorageError):
        run_steps([Recorder("a", diary, StorageError("no room", "make some"))], ctx)
    assert told.events[-1] == JobFinished(ok=False, message="no room", hint="make some")


def test_overall_progress_counts_weights_and_never_runs_backwards():
    overall = OverallProgress([StepInfo("a", ""), StepInfo("b", "", 3)])
    events = [
        StepStarted("a", "", 1, 2),
        StepFinished("a", 1.0),
        Progress("b", 50, 100, "bytes"),
        Progress("b", 10, 100, "bytes"),
        Progress("b", 300, 100, "bytes"),
        StepFinished("b", 1.0),
        JobFinished(ok=True),
    ]
    assert [overall(event) for event in events] == [0.0, 0.25, 0.625, 0.625, 1.0, 1.0, 1.0]
