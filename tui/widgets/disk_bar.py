"""How disks are shared out, as bars of characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widgets import Static

from installer.layout_view import DiskView, Share

_WIDTH = 72  # of the 80 columns
_UNKNOWN = "not known yet"


class DiskBar(Static):
    """A line with the name and size of each disk, and one with its shares below."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)

    def show(self, disks: Iterable[DiskView]) -> None:
        lines = [line for disk in disks for line in (disk.title, bar(disk.shares, _WIDTH))]
        self.update("\n".join(lines))


def bar(shares: Sequence[Share], width: int) -> str:
    """Such as "|1|2|3|4 / =========|5 /home ====|........|", exactly as wide as is said, as long as
    that is room for a character of each share. They are numbered as partitions are; what is free
    is dots."""
    if not shares:
        return f"|{_UNKNOWN:.^{max(width - 2, 0)}}|"
    rooms = _rooms(shares, width - 1 - len(shares))
    return f"|{'|'.join(map(_cell, shares, rooms))}|"


def _rooms(shares: Sequence[Share], width: int) -> list[int]:
    """Characters for each share: one at least, the others as the sizes are."""
    total = sum(share.size for share in shares)
    spare = max(width - len(shares), 0)
    rooms = [1 + spare * share.size // total for share in shares]
    largest = max(range(len(shares)), key=lambda i: shares[i].size)
    rooms[largest] += max(width, len(shares)) - sum(rooms)
    return rooms


def _cell(share: Share, room: int) -> str:
    if not share.label:
        return (" free ".center(room, ".") if room > 7 else "." * room)[:room]
    for text in (f"{share.number} {share.label} ", f"{share.number} ", f"{share.number}"):
        if len(text) <= room:
            return text.ljust(room, "=")
    return "#" * room
