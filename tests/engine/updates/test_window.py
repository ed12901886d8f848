"""Maintenance windows: what they say, and when they are open."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.updates.window import Window, is_open, next_opening

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SATURDAY = datetime(2026, 11, 28)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)
windows = st.builds(
    Window,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 24 * 60 - 1),
    st.integers(1, 24 * 60 - 1),
)


@pytest.mark.parametrize(
    ("text", "days", "start", "length"),
    [
        ("Sat 02:00-04:00", {5}, 120, 120),
        ("saturday,SUN 02:00 - 04:00", {5, 6}, 120, 120),
        ("Mon..Fri 22:30-00:30", {0, 1, 2, 3, 4}, 1350, 120),
        ("Sat..Mon,Wed 00:00-24:00", {5, 6, 0, 2}, 0, 1440),
        ("01:00-02:00", set(range(7)), 60, 60),
    ],
)
def test_a_window_is_read(text: str, days: set[int], start: int, length: int) -> None:
    assert Window.parse(text) == Window(frozenset(days), start, length)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sometimes", "write it like Sat 02:00-04:00"),
        ("Sat 2:00-4:00", "write it like"),
        ("Sat 25:00-26:00", "25:00 is no time of the day"),
        ("Sat 02:60-04:00", "02:60 is no time of the day"),
        ("Sat 24:00-01:00", "begins at 23:59 at the latest"),
        ("Sat 02:00-02:00", "needs some length"),
        ("Caturday 02:00-04:00", "'Caturday' is no day"),
        ("Sat.. 02:00-04:00", "'' is no day"),
    ],
)
def test_what_is_no_window_is_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Window.parse(text)


@given(windows)
def test_a_window_can_be_written_and_read_again(window: Window) -> None:
    assert Window.parse(str(window)) == window


@given(windows, moments)
def test_a_window_is_open_as_long_as_it_says_from_its_days_on(
    window: Window, moment: datetime
) -> None:
    def begins(at: datetime) -> bool:
        return at.weekday() in window.days and at.hour * 60 + at.minute == window.start

    expected = any(begins(moment - timedelta(minutes=ago)) for ago in range(window.length))
    assert (moment in window) is expected


@given(st.lists(windows, min_size=1, max_size=3), moments)
def test_the_next_opening_is_the_first_moment_that_begins_a_window(
    several: list[Window], moment: datetime
) -> None:
    opening = next_opening(several, moment)
    assert moment < opening <= moment + timedelta(days=7)
    assert is_open(several, opening)
    if not is_open(several, moment):
        assert not is_open(several, opening - timedelta(minutes=1))
        assert not is_open(several, moment + (opening - moment) / 2)


def test_without_windows_it_is_always_open() -> None:
    assert is_open((), SATURDAY)


def test_seconds_count_to_the_end() -> None:
    window = Window.parse("Sat 02:00-04:00")
    assert SATURDAY + timedelta(hours=3, minutes=59, seconds=59) in window
    assert SATURDAY + timedelta(hours=4) not in window
