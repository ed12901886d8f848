"""What the partitions of a draft come to on the disks of a machine: tables and shares to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import StorageError
from installer.disk_choices import devices_of
from installer.draft import Draft, Remark
from installer.layout_draft import PartitionRow
from installer.partition_entry import PartitionEntry
from installer.plan import Disk, Partition, Storage
from installer.probe import Machine
from installer.rules import mapped_path
from installer.sizes import Portion, size_text
from installer.storage.geometry import MIB, DiskFacts, Span, lay_out, sizes
from installer.storage.layout import DEFAULT_DISK
from installer.storage.refusals import disk_facts, size_refusals

if TYPE_CHECKING:  # loads pydantic
    from installer.kickstart.draft_storage import DraftStorage

COLUMNS = ("NO", "MOUNTED AT", "SIZE", "WANTED", "FORMAT", "LABEL")
_NOTHING = "-"
_LEAST_FREE = 16 * MIB  # less is what rounding and the table's second copy leave


@dataclass(frozen=True)
class Row:
    """A partition. index: of the draft's partitions; None for one that is added for booting.
    cells: as COLUMNS. keys: what a kickstart says of it, empty for what none can say. notes: what
    is right, but not as one may think."""

    index: int | None
    cells: tuple[str, ...]
    keys: PartitionRow
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Share:
    """A stretch of a disk, in on-disk order. size: in bytes. number: of its partition, which
    logical volumes share. label "": free."""

    label: str
    size: int
    number: int = 0


@dataclass(frozen=True)
class DiskView:
    """shares: empty while the places are not known."""

    id: str
    title: str
    rows: tuple[Row, ...]
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True)
class LayoutView:
    """problems: all of them. general and notes: those that belong to no row."""

    disks: tuple[DiskView, ...]
    problems: tuple[Remark, ...] = ()
    general: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for disk in self.disks for row in disk.rows)

    def of_row(self, index: int) -> tuple[Remark, ...]:
        """The problems of one of the draft's partitions, their paths beginning at it."""
        own = (each for each in self.problems if each.path[:2] == ("partitions", index))
        return tuple(Remark(each.path[2:], each.message, each.hint) for each in own)


def view_layout(draft: Draft, found: DraftStorage, machine: Machine | None) -> LayoutView:
    """found: what the draft says. machine: None while it is not known, then nothing has a size."""
    rows = _Rows(draft, found)
    if found.storage is None:
        disks, unfit = rows.as_written(), []
    else:
        every = (*found.storage.disks, *_unused(draft, found.storage))
        placed = [_placed(rows, found.storage, disk, machine) for disk in every]
        disks = tuple(disk for disk, _ in placed)
        unfit = [Remark(("partitions",), each) for _, said in placed for each in said]
    problems = (*found.problems, *unfit)
    return LayoutView(disks, problems, _general(problems), _general(found.warnings))


def _unused(draft: Draft, storage: Storage) -> Iterator[Disk]:
    """Disks that were chosen and get nothing: a partition may still be put there."""
    used = {disk.id for disk in storage.disks}
    for id, device in devices_of(draft).items():
        if id not in used:
            yield Disk(id, device=Path(device))


class _Rows:
    """The draft's partitions, found again in the order they will have on a disk."""

    def __init__(self, draft: Draft, found: DraftStorage) -> None:
        given = draft.get("partitions", default=[])
        given = given if isinstance(given, list) else []
        self._keys: list[PartitionRow] = [keys if isinstance(keys, dict) else {} for keys in given]
        self._left = dict(enumerate(map(_signature, self._keys)))
        self._names = devices_of(draft)
        self._found = found

    def of(self, number: int, part: Partition, size: int | None) -> Row:
        """The row of a partition of the complete layout. Each is asked for once."""
        lvm = (part.lvm.group, part.lvm.name) if part.lvm else ("", "")
        wanted = (part.disk, part.mountpoint, part.filesystem, _portion(part), lvm)
        index = next((i for i, signature in self._left.items() if signature == wanted), None)
        cells = (
            str(number),
            _where(part),
            _NOTHING if size is None else size_text(size),
            str(_portion(part)),
            _format(part.filesystem, *lvm),
            part.label or _NOTHING,
        )
        if index is None:
            return Row(None, cells, _added_keys(part))
        del self._left[index]
        return Row(index, cells, self._keys[index], *self._said(index))

    def as_written(self) -> tuple[DiskView, ...]:
        """What is added for booting is not known before the rest is right."""
        disks: dict[str, list[Row]] = {}
        for index, keys in enumerate(self._keys):
            entry = PartitionEntry.of(keys)
            where = ", ".join(filter(None, (entry.mountpoint, entry.subvolumes)))
            where = "(swap)" if entry.filesystem == "swap" else where or _NOTHING
            size, label = entry.size or "?", entry.label or _NOTHING
            kind = _format(entry.filesystem, entry.volume_group, entry.logical_volume)
            cells = (_NOTHING, where, _NOTHING, size, kind, label)
            row = Row(index, cells, keys, *self._said(index))
            disks.setdefault(entry.disk, []).append(row)
        return tuple(
            DiskView(id, self._names.get(id, f'disk "{id}"'), tuple(rows))
            for id, rows in disks.items()
        )

    def _said(self, index: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Problems and notes."""
        found = self._found
        return _about(index, found.problems), _about(index, found.warnings)


def _placed(
    rows: _Rows, storage: Storage, disk: Disk, machine: Machine | None
) -> tuple[DiskView, list[str]]:
    """With sizes, when the disk is known and large enough; and why it is not."""
    ours = [part for part in storage.partitions if part.disk == disk.id]
    numbers = _numbers(ours)
    spans: Sequence[Span] = ()
    facts, problems = _facts(disk, machine)
    if facts is not None:
        refused = size_refusals(storage, disk, facts, disk.name)
        problems = [str(Remark((), f"{disk.name}: {each.message}", each.hint)) for each in refused]
        spans = () if problems else lay_out(facts, storage.table, ours)
    found = [size for _, size in sizes(spans, facts.sector_size)] if facts else []
    known: Sequence[int | None] = found or [None] * len(ours)
    table = map(rows.of, numbers, ours, known)
    title = ", ".join([disk.name, size_text(facts.size)] if facts else [disk.name])
    shares = [*map(Share, map(_name, ours), found, numbers)]
    free = facts.size - sum(found) if facts and not problems else 0
    if free > _LEAST_FREE:
        shares.append(Share("", free))
    return DiskView(disk.id, title, tuple(table), tuple(shares)), problems


def _facts(disk: Disk, machine: Machine | None) -> tuple[DiskFacts | None, list[str]]:
    """Nothing, and no problem, while the machine is not known."""
    if machine is None and disk.device is not None:
        return None, []
    try:
        return disk_facts(disk, machine or Machine()), []
    except StorageError as error:
        return None, [error.message]


def _about(index: int, remarks: Sequence[Remark]) -> tuple[str, ...]:
    return tuple(str(each) for each in remarks if each.path[:2] == ("partitions", index))


def _general(problems: Sequence[Remark]) -> tuple[str, ...]:
    """What is said of no single partition."""
    return tuple(
        str(each) for each in problems if len(each.path) < 2 or each.path[0] != "partitions"
    )


def _signature(keys: PartitionRow) -> tuple[object, ...]:
    entry = PartitionEntry.of(keys)
    point, lvm = mapped_path(entry.mountpoint), (entry.volume_group, entry.logical_volume)
    return entry.disk, point, entry.filesystem, Portion.of(keys), lvm


def _format(filesystem: str, group: str, volume: str) -> str:
    if not filesystem:
        return _NOTHING
    return f"{filesystem} {group}/{volume}" if group or volume else filesystem


def _numbers(parts: Sequence[Partition]) -> list[int]:
    """Of the partitions on the disk; the logical volumes of a group are in one of them."""
    found: dict[object, int] = {}
    for index, part in enumerate(parts):
        found.setdefault(part.lvm.group if part.lvm else index, len(found) + 1)
    return [found[part.lvm.group if part.lvm else index] for index, part in enumerate(parts)]


def _portion(part: Partition) -> Portion:
    return Portion(part.size_mb, part.size_percent)


def _where(part: Partition) -> str:
    points = [part.mountpoint, *(sub.mountpoint for sub in part.subvolumes)]
    return ", ".join(dict.fromkeys(filter(None, points))) or f"({_name(part)})"


def _name(part: Partition) -> str:
    """What fits into a bar."""
    points = (part.mountpoint, *(sub.mountpoint for sub in part.subvolumes))
    return next(filter(None, points), "BIOS boot" if part.role == "bios" else part.role)


def _added_keys(part: Partition) -> PartitionRow:
    """Those to begin with when somebody wants it otherwise."""
    if not part.filesystem:
        return {}
    keys = {"mountpoint": part.mountpoint, "filesystem": part.filesystem, **_portion(part).keys}
    return keys if part.disk == DEFAULT_DISK else {**keys, "disk_id": part.disk}
