"""How good a password is. It is only said: a password is never refused."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_SHORT, _FAIR, _LONG = 8, 12, 16
_DISTINCT = 5
# The beginnings of what is tried first: digits and signs at their ends do not help
_WORST_WORDS = """
    123 1234 abc abc123 access admin administrator changeme default dragon football guest hello
    iloveyou letmein linux login master monkey oracle pass passw0rd passwd password photon princess
    qwerty qwertyuiop root secret server sunshine superman test toor trustno1 user vmware welcome
    whatever
"""
_WORST = frozenset(_WORST_WORDS.split())
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm")


@dataclass(frozen=True)
class Strength:
    """word: weak, fair or good. reasons: what is weak about it, without the password."""

    word: str
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.word}: {'; '.join(self.reasons)}" if self.reasons else self.word


def judge(text: str, names: Iterable[str] = ()) -> Strength:
    """names: of the user and the machine, which do not belong into it."""
    weak = tuple(_weaknesses(text, names))
    if weak:
        return Strength("weak", weak)
    if len(text) >= _LONG or (len(text) >= _FAIR and _kinds(text) > 1):
        return Strength("good")
    better = f"{_LONG} characters, or {_FAIR} of several kinds, are better"
    return Strength("fair", (better,))


def _weaknesses(text: str, names: Iterable[str]) -> Iterator[str]:
    lower = text.lower()
    if len(text) < _SHORT:
        yield f"it has fewer than {_SHORT} characters"
    if {lower, lower.rstrip(string.digits + string.punctuation)} & _WORST:
        yield "it is one of those that are tried first"
    elif _is_sequence(lower):
        yield "its characters follow one another"
    elif len(set(text)) < _DISTINCT:
        yield "it has few different characters"
    parts = dict.fromkeys(part for name in names for part in name.lower().split(".") if part)
    for part in parts:
        if len(part) > 2 and part in lower:
            yield f'"{part}" is in it'
            break
    if len(text) < _LONG and text.isdigit():
        yield "it has digits only"


def _is_sequence(text: str) -> bool:
    if any(len(text) > 2 and text in row for row in _ROWS):
        return True
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    return len(text) > 2 and len(steps) == 1 and steps <= {1, -1}


def _kinds(text: str) -> int:
    """Of small and large letters, digits, and the rest."""
    tests = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum())
    return sum(any(map(test, text)) for test in tests)
