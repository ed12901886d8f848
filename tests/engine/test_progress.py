"""Progress that people can believe."""

from hypothesis import given
from hypothesis import strategies as st

from engine.events import Event, Progress
from engine.progress import ProgressMeter


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


counters = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), max_size=30)


@given(counters, st.lists(st.floats(0, 2), min_size=30, max_size=30))
def test_it_never_runs_backwards_and_always_ends_complete(
    updates: list[tuple[int, int]], pauses: list[float]
) -> None:
    events: list[Event] = []
    clock = Clock()
    meter = ProgressMeter(events.append, "pull", clock=clock)
    for (done, total), pause in zip(updates, pauses, strict=False):
        clock.now += pause
        meter.update(done, total)
    meter.finish()
    seen = [event for event in events if isinstance(event, Progress)]
    dones = [event.done for event in seen]
    assert dones == sorted(dones)
    assert all(event.done <= event.total for event in seen if event.total)
    assert seen[-1].done == seen[-1].total


def test_at_most_ten_events_a_second() -> None:
    events: list[Event] = []
    clock = Clock()
    meter = ProgressMeter(events.append, "pull", clock=clock)
    for number in range(1000):
        clock.now = number / 1000
        meter.update(number, 1000)
    assert len(events) <= 11


def test_the_rate_is_that_of_the_last_seconds() -> None:
    events: list[Event] = []
    clock = Clock()
    meter = ProgressMeter(events.append, "pull", clock=clock)
    for second in range(21):
        clock.now = float(second)
        meter.update(second * 10 if second <= 10 else 100 + (second - 10) * 1000, 20_000)
    last = events[-1]
    assert isinstance(last, Progress)
    assert 900 <= last.rate <= 1100
    assert last.eta is not None
