"""Where partitions lie on a disk: pure arithmetic, in sectors.

Everything starts and ends on a 1 MiB boundary (or on the disk's own optimal I/O size, where that
is larger), which is right for every sector size, RAID stripe and flash erase block in use.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.errors import StorageError
from installer.plan import Partition, TableType
from installer.storage.lvm import (
    EXTENT_MB,
    HEADER_MB,
    ROLE,
    PhysicalVolume,
    by_group,
    whole_extents,
)

MIB = 1024 * 1024
_LARGEST_GRAIN = 64 * MIB  # disks behind USB bridges report odd sizes just below 32 MiB
_GPT_ENTRIES = 128 * 128  # bytes: 128 entries, the size every tool uses
_MSDOS_SECTORS = 2**32
_MSDOS_PARTITIONS = 4  # without logical ones, which no machine of ours needs

# The smallest volume each mkfs accepts, in MiB (mkfs.xfs refuses below 300, mkfs.btrfs below 109).
SMALLEST_MB = {"xfs": 300, "btrfs": 114, "ext4": 8, "ext3": 8, "vfat": 4, "swap": 1, "": 1}


@dataclass(frozen=True)
class DiskFacts:
    """size, sector_size and optimal_io in bytes."""

    size: int
    sector_size: int = 512
    optimal_io: int = 0

    @property
    def grain(self) -> int:
        """The alignment in sectors."""
        size = MIB
        if self.optimal_io > 0 and self.optimal_io % self.sector_size == 0:
            common = math.lcm(MIB, self.optimal_io)
            size = common if common <= _LARGEST_GRAIN else MIB
        return size // self.sector_size


@dataclass(frozen=True)
class Span:
    """A partition's place: number as in its node's name, start and length in sectors."""

    number: int
    start: int
    length: int
    partition: Partition

    @property
    def end(self) -> int:
        """The first sector after it."""
        return self.start + self.length


class DoesNotFit(StorageError):  # noqa: N818 - reads as what it says
    """The partitions need more room than the disk has; needed and available in bytes."""

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(
            f"needs {_mib(needed)} MiB, has {_mib(available)} MiB",
            hint="Choose a larger disk or smaller partitions.",
        )
        self.needed = needed
        self.available = available


def lay_out(
    facts: DiskFacts, table: TableType, partitions: Sequence[Partition]
) -> tuple[Span, ...]:
    """The places of partitions (all of one disk, in on-disk order); those of logical volumes have
    a PhysicalVolume.

    Sizes are rounded up to the grain, percentages of the usable room down. Raises DoesNotFit,
    and StorageError when more than one partition takes the rest or a table has no room for them.
    """
    if sum(part.takes_rest for part in partitions) > 1:
        raise StorageError("More than one partition takes the rest of the disk.")
    first, end = _usable(facts, table)
    partitions = _on_disk(facts, partitions, room=end - first)
    if table is TableType.MSDOS and len(partitions) > _MSDOS_PARTITIONS:
        raise StorageError(
            f"An msdos partition table holds {_MSDOS_PARTITIONS} partitions, "
            f"not {len(partitions)}.",
            hint="Use a gpt table.",
        )
    lengths = _lengths(facts, partitions, room=end - first)
    needed = first + sum(lengths)
    if needed > end:
        tail = facts.size // facts.sector_size - end
        raise DoesNotFit((needed + tail) * facts.sector_size, facts.size)
    starts = itertools.accumulate(lengths, initial=first)
    return tuple(
        Span(number, start, length, part)
        for number, (start, length, part) in enumerate(
            zip(starts, lengths, partitions, strict=False), start=1
        )
    )


def sizes(spans: Sequence[Span], sector_size: int) -> Iterator[tuple[Partition, int]]:
    """What was asked for with the bytes it gets, in the order of a complete layout: partitions, and
    logical volumes in the place of those that hold them."""
    for span in spans:
        length = span.length * sector_size
        if isinstance(span.partition, PhysicalVolume):
            for volume, size_mb in span.partition.sizes_mb(length // MIB):
                yield volume, size_mb * MIB
        else:
            yield span.partition, length


def node(device: str, number: int) -> str:
    """The device node of a partition, as the kernel names it: /dev/sda1, /dev/nvme0n1p1."""
    return f"{device}p{number}" if device[-1].isdigit() else f"{device}{number}"


def smallest_mb(part: Partition) -> int:
    """The smallest volume that its file system accepts, in MiB."""
    return SMALLEST_MB.get(part.filesystem, 1)


def _on_disk(facts: DiskFacts, partitions: Sequence[Partition], room: int) -> list[Partition]:
    """With one physical volume in the place of the logical volumes of a group. room: in sectors."""
    room_mb = room * facts.sector_size // MIB
    header_mb = max(HEADER_MB, facts.grain * facts.sector_size // MIB)
    groups = by_group(partitions)
    found: list[Partition] = []
    for part in partitions:
        if part.lvm is None:
            found.append(part)
        elif ours := groups.pop(part.lvm.group, None):
            found.append(_physical_volume(part.lvm.group, ours, room_mb, header_mb))
    return found


def _physical_volume(
    group: str, volumes: Sequence[Partition], room_mb: int, header_mb: int
) -> PhysicalVolume:
    """Percentages are of the usable room and include what LVM needs for itself."""

    def in_extents(volume: Partition) -> Partition:
        if not volume.size_percent:
            return replace(volume, size_mb=whole_extents(volume.size_mb))
        share = room_mb * volume.size_percent // 100 - header_mb
        size = max(EXTENT_MB, share // EXTENT_MB * EXTENT_MB)
        return replace(volume, size_mb=size, size_percent=0)

    ours = tuple(map(in_extents, volumes))
    least = header_mb + sum(v.size_mb or whole_extents(smallest_mb(v)) for v in ours)
    size = 0 if any(volume.takes_rest for volume in ours) else least
    return PhysicalVolume(
        volumes[0].disk, ROLE, size_mb=size, group=group, volumes=ours,
        header_mb=header_mb, least_mb=least,
    )  # fmt: skip


def _usable(facts: DiskFacts, table: TableType) -> tuple[int, int]:
    """First usable sector and the first one after the usable room, both on the grain."""
    grain = facts.grain
    sectors = facts.size // facts.sector_size
    if table is TableType.GPT:
        sectors -= 1 + math.ceil(_GPT_ENTRIES / facts.sector_size)
    else:
        sectors = min(sectors, _MSDOS_SECTORS)
    return grain, max(grain, sectors // grain * grain)


def _lengths(facts: DiskFacts, partitions: Sequence[Partition], room: int) -> list[int]:
    """Sectors of each partition; the one that takes the rest gets at least its smallest size."""
    grain = facts.grain
    per_mib = MIB // facts.sector_size

    def fixed(part: Partition) -> int:
        if part.size_percent:
            return max(grain, room * part.size_percent // 100 // grain * grain)
        least = part.least_mb if isinstance(part, PhysicalVolume) else smallest_mb(part)
        size = part.size_mb or least
        return math.ceil(size * per_mib / grain) * grain

    lengths = [fixed(part) for part in partitions]
    spare = room - sum(lengths)
    return [
        length + (spare if part.takes_rest and spare > 0 else 0)
        for part, length in zip(partitions, lengths, strict=True)
    ]


def _mib(size: int) -> int:
    return math.ceil(size / MIB)
