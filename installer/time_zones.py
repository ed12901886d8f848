"""The time zones' names, as the IANA database on this machine has them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path("/usr/share/zoneinfo")
DEFAULT = "UTC"
_NOT_PLACES = frozenset({"Factory", "localtime", "posixrules"})


def time_zones(folder: Path = FOLDER) -> tuple[str, ...]:
    """UTC, then the others by their names; nothing where the machine has no table of them."""
    for name, read in (("tzdata.zi", _names), ("zone1970.tab", _places), ("zone.tab", _places)):
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        found = sorted({*read(text)} - {DEFAULT, *_NOT_PLACES})
        return (DEFAULT, *found)
    return ()


def _names(text: str) -> Iterator[str]:
    """Format: zic(8). `Z NAME ...` is a zone, `L TARGET NAME` another name of one."""
    for line in text.splitlines():
        words = line.split()
        if len(words) > 2 and words[0] in ("Z", "L"):
            yield words[1] if words[0] == "Z" else words[2]


def _places(text: str) -> Iterator[str]:
    """Columns: countries, coordinates, name, comments."""
    for line in text.splitlines():
        columns = line.split("\t")
        if not line.startswith("#") and len(columns) > 2:
            yield columns[2]


def matching(zones: Sequence[str], text: str) -> tuple[str, ...]:
    """Those that text may mean: the zone itself, then names that begin with it, then the rest."""
    wanted = _plain(text)
    if not wanted:
        return tuple(zones)

    def rank(zone: str) -> int:
        plain = _plain(zone)
        if plain == wanted:
            return 0
        return 1 if any(part.startswith(wanted) for part in (plain, *plain.split("/"))) else 2

    return tuple(sorted((zone for zone in zones if wanted in _plain(zone)), key=rank))


def meant(zones: Sequence[str], text: str) -> str:
    """The zone of that name, however it is written; text itself when there is none."""
    return next((zone for zone in zones if _plain(zone) == _plain(text)), text)


def suggest(zones: Sequence[str], text: str) -> str:
    """A hint for what is no zone: one whose name, or whose place's name, is like it."""
    places = {_plain(zone.rpartition("/")[2]): zone for zone in zones}
    names = {**places, **{_plain(zone): zone for zone in zones}}
    close = difflib.get_close_matches(_plain(text), names, n=1, cutoff=0.72)
    return f'did you mean "{names[close[0]]}"?' if close else "UTC is one"


def _plain(text: str) -> str:
    return "_".join(text.lower().split())
