"""Sizes as people read them, and as they write them for a partition."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from installer.rules import Broken

_MIB = 1024 * 1024
_UNITS = {"": 1, "M": 1, "G": 1024, "T": 1024 * 1024}
_FORM = re.compile(r"([0-9]{1,13})(?:[.,]([0-9]{1,9}))?\s*(?:([mgt])(?:i?b)?)?$", re.IGNORECASE)
_PERCENT = re.compile(r"([0-9]{1,9})\s*(?:%|percent)$", re.IGNORECASE)
_REST = ("rest", "the rest")
_LARGEST_MB = 1024**4  # an exbibyte; more is a slip of the fingers


def size_text(size: int) -> str:
    """Bytes as "512 MiB" or "99.5 GiB"."""
    return f"{size // _MIB} MiB" if size < 10240 * _MIB else f"{size / 1024**3:.1f} GiB"


@dataclass(frozen=True)
class Portion:
    """What a partition takes of its disk: megabytes (MiB), or percent, or neither: the rest."""

    megabytes: int = 0
    percent: int = 0

    @classmethod
    def of(cls, keys: Mapping[str, Any]) -> Portion | None:
        """As a kickstart's partition says it; None when it says nothing, or nothing sensible."""
        size, percent = keys.get("size"), keys.get("sizepercent")
        if isinstance(percent, int) and percent > 0:
            return cls(percent=percent)
        if isinstance(size, int) and size >= 0:
            return cls(size)
        return None

    @property
    def keys(self) -> dict[str, int]:
        """For a kickstart's partition."""
        return {"sizepercent": self.percent} if self.percent else {"size": self.megabytes}

    def __str__(self) -> str:
        if self.percent:
            return f"{self.percent}%"
        if not self.megabytes:
            return "rest"
        if self.megabytes % 1024:
            return f"{self.megabytes} MB"
        return f"{self.megabytes // 1024} GB"


def read_portion(text: str) -> Portion | Broken:
    """MB and GB count by 1024, as everywhere in a kickstart; fractions are rounded up to MB."""
    text = text.strip()
    if text.lower() in _REST:
        return Portion()
    if match := _PERCENT.match(text):
        percent = int(match[1])
        return Portion(percent=percent) if 1 <= percent <= 100 else Broken("must be 1% to 100%")
    match = _FORM.match(text)
    if not match:
        return Broken("must be a size such as 512 MB, 20 GB or 50%, or the word rest")
    whole, part, unit = match.groups()
    number = Fraction(f"{whole}.{part or 0}")
    megabytes = math.ceil(number * _UNITS[(unit or "").upper()])
    if not megabytes:
        return Broken("must be more than nothing", 'write "rest" for all that is left')
    if megabytes > _LARGEST_MB:
        return Broken("must be a size that a disk can have")
    return Portion(megabytes)
