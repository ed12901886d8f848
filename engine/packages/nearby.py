"""Which of the known names a mistyped one probably means."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], count: int = 1) -> tuple[str, ...]:
    """At most count known names that resemble word, the most similar first."""
    forms: dict[str, str] = {}
    for name in sorted(known):
        forms.setdefault(name.lower().replace("_", "-"), name)
    close = difflib.get_close_matches(word.lower().replace("_", "-"), forms, n=count, cutoff=0.72)
    return tuple(forms[form] for form in close)


def meant(word: str, known: Iterable[str], count: int = 1) -> str:
    """ "did you mean a or b?", or ""."""
    names = nearest(word, known, count)
    return f"did you mean {' or '.join(names)}?" if names else ""
