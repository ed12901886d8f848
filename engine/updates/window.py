"""Maintenance windows: the times of the week in which a machine may restart by itself.

"Sat 02:00-04:00", "Mon..Fri 22:30-00:30", "Mon,Thu 03:00-04:00", "01:00-02:00" (every day): days as
in systemd's calendar events, a beginning and an end. A window that ends at or before its beginning
ends on the next day; its days are those on which it begins. Times are the machine's local time as a
clock on the wall shows it: where the clock is moved, a window becomes longer or shorter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = 24 * 60
_FORM = re.compile(r"(?:(?P<days>\S+)\s+)?(?P<start>\d\d:\d\d)\s*-\s*(?P<end>\d\d:\d\d)")


@dataclass(frozen=True)
class Window:
    """days: of its beginning, 0 is Monday. start: minutes after midnight. length: minutes, at most
    a day."""

    days: frozenset[int]
    start: int
    length: int

    @classmethod
    def parse(cls, text: str) -> Window:
        """Raises ValueError with a sentence for the user."""
        form = _FORM.fullmatch(text.strip())
        if form is None:
            raise ValueError(f"{text!r} is no window; write it like Sat 02:00-04:00")
        start, end = _minutes(form["start"]), _minutes(form["end"])
        if start == _DAY:
            raise ValueError("a window begins at 23:59 at the latest")
        if start == end:
            raise ValueError("a window needs some length; 00:00-24:00 is a whole day")
        days = _days(form["days"]) if form["days"] else frozenset(range(7))
        return cls(days, start, end - start if end > start else end - start + _DAY)

    def __str__(self) -> str:
        """Can be read by `parse` again."""
        end = self.start + self.length
        times = f"{_clock(self.start)}-{_clock(end if end <= _DAY else end - _DAY)}"
        if len(self.days) == len(_DAYS):
            return times
        names = ",".join(_DAYS[day][:3].capitalize() for day in sorted(self.days))
        return f"{names} {times}"

    def __contains__(self, moment: datetime) -> bool:
        return any(begin <= moment < end for begin, end in self.around(moment))

    def around(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The beginnings and ends of yesterday and of a week from today on, in order of time."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        for offset in range(-1, 8):
            day = midnight + timedelta(days=offset)
            if day.weekday() in self.days:
                begin = day + timedelta(minutes=self.start)
                yield begin, begin + timedelta(minutes=self.length)


def is_open(windows: Iterable[Window], moment: datetime) -> bool:
    """Whether a machine with these windows may restart now; without any it always may."""
    given = tuple(windows)
    return not given or any(moment in window for window in given)


def next_opening(windows: Iterable[Window], moment: datetime) -> datetime:
    """When the first of the windows (at least one) begins after moment."""
    return min(
        begin for window in windows for begin, _end in window.around(moment) if begin > moment
    )


def _minutes(text: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    if minutes >= 60 or hours * 60 + minutes > _DAY:
        raise ValueError(f"{text} is no time of the day")
    return hours * 60 + minutes


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, dots, last = part.partition("..")
        begin = _day(first)
        end = _day(last) if dots else begin
        found.update((begin + offset) % 7 for offset in range((end - begin) % 7 + 1))
    return frozenset(found)


def _day(text: str) -> int:
    word = text.lower()
    for number, name in enumerate(_DAYS):
        if word in (name, name[:3]):
            return number
    raise ValueError(f"{text!r} is no day; use Mon, Tue, Wed, Thu, Fri, Sat, Sun")
