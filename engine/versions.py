"""Versions that count up by themselves: the treefile's automatic-version-prefix."""

from __future__ import annotations

import re
from datetime import datetime

_DATE = re.compile(r"<date:([^>]*)>")


def next_version(prefix: str, suffix: str, last: str | None, now: datetime) -> str:
    """The version after last: prefix itself, then prefix.1, prefix.2, ...

    As rpm-ostree counts: <date:FORMAT> in prefix is replaced by now (then counting starts with
    prefix.0), a last version with another prefix starts anew, and what follows the number in
    last is dropped. suffix: the separator, one character.
    """
    expanded = _DATE.sub(lambda match: now.strftime(match[1]), prefix)
    dated = expanded != prefix
    first = f"{expanded}{suffix}0" if dated else expanded
    if last is None or not last.startswith(expanded):
        return first
    rest = last[len(expanded) :]
    if not rest:
        return f"{expanded}{suffix}1"
    if not rest.startswith(suffix):
        return first
    number = rest[len(suffix) :].split(suffix)[0]
    return f"{expanded}{suffix}{int(number) + 1}" if number.isdigit() else first
