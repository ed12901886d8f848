"""What a screen shows of an installation, from its events."""

from hypothesis import given
from hypothesis import strategies as st

from engine.events import JobFinished, LogLine, Progress, StepFinished, StepStarted
from installer.runner import StepInfo
from installer.watch import State, Watch, bar_text, clock_text

STEPS = (StepInfo("a", "First"), StepInfo("b", "Second", 9))


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def watching(*events, at=100.0):
    clock = Clock()
    watch = Watch(STEPS, 100.0, clock)
    for event in events:
        watch(event)
    clock.now = at
    return watch, clock


def test_before_anything_all_steps_wait():
    view = watching()[0].view()
    assert [step.state for step in view.steps] == [State.WAITING, State.WAITING]
    assert (view.fraction, view.left, view.running) == (0.0, None, None)


def test_a_running_step_has_the_time_that_the_finished_ones_did_not_take():
    """Also for somebody who looks on later, and gets all events at once."""
    watch, _clock = watching(
        StepStarted("a", "First"), StepFinished("a", 4.0), StepStarted("b", "Second"), at=110.0
    )
    view = watch.view()
    assert [step.state for step in view.steps] == [State.DONE, State.RUNNING]
    assert [step.seconds for step in view.steps] == [4.0, 6.0]


def test_the_time_left_goes_by_what_is_done_but_never_below_what_the_step_says():
    started = (StepStarted("a", "First"), StepFinished("a", 1.0), StepStarted("b", "Second"))
    watch, clock = watching(*started, Progress("b", 50, 90, "bytes", rate=1.0), at=106.0)
    view = watch.view()
    assert view.fraction == 0.6
    assert view.left == 40.0
    clock.now = 190.0
    assert round(watch.view().left, 3) == 60.0


def test_what_is_too_early_to_tell_is_not_told():
    watch, _clock = watching(StepStarted("a", "First"), at=130.0)
    assert watch.view().left is None


def test_the_step_that_failed_is_marked_and_time_stands_still():
    watch, clock = watching(StepStarted("a", "First"))
    clock.now = 103.0
    watch(JobFinished(ok=False, message="no"))
    clock.now = 200.0
    view = watch.view()
    assert (view.steps[0].state, view.steps[0].seconds, view.elapsed) == (State.FAILED, 3.0, 3.0)


def test_steps_that_nobody_expected_are_shown_too():
    watch, _clock = watching(StepStarted("find", "Find the file systems"))
    assert [step.title for step in watch.view().steps][-1] == "Find the file systems"


def test_the_log_can_be_read_in_pieces():
    watch, _clock = watching(LogLine("one"), LogLine("two", level="warning"))
    told, lines = watch.lines()
    assert lines == ["one", "warning: two"]
    assert watch.lines(told) == (2, [])
    watch(LogLine("three"))
    assert watch.lines(told) == (3, ["three"])


def test_an_endless_log_is_cut_at_its_beginning():
    watch, _clock = watching(*(LogLine(str(number)) for number in range(6000)))
    told, lines = watch.lines()
    assert (told, len(lines), lines[-1]) == (6000, 5000, "5999")
    assert watch.lines(10)[1] == lines


EVENTS = st.one_of(
    st.sampled_from("abc").map(lambda step: StepStarted(step, step)),
    st.tuples(st.sampled_from("abc"), st.floats(0, 9)).map(lambda pair: StepFinished(*pair)),
    st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 9)).map(
        lambda values: Progress(*values, "bytes")
    ),
    st.text(max_size=3).map(LogLine),
    st.booleans().map(JobFinished),
)


@given(st.lists(EVENTS))
def test_whatever_comes_the_bar_never_runs_backwards(events):
    watch = Watch(STEPS, 100.0, Clock())
    last = 0.0
    for event in events:
        watch(event)
        view = watch.view()
        assert last <= view.fraction <= 1.0
        assert view.left is None or view.left >= 0
        last = view.fraction


@given(st.floats(0, 1), st.integers(3, 80))
def test_a_bar_has_its_width_and_only_ascii(fraction, width):
    text = bar_text(fraction, width)
    assert len(text) == width
    assert text.isascii()


def test_times_are_read_as_on_a_clock():
    assert [clock_text(each) for each in (0, 7.4, 760, 3723)] == [
        "0:00",
        "0:07",
        "12:40",
        "1:02:03",
    ]
