"""Logical volumes: the partitions that hold them, and how large they become. Source: lvm(8).

A volume group has one partition (its physical volume) on each disk that one of its logical volumes
names, and each logical volume lies on the disk it names. So what fits is known for each disk alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from installer.plan import Partition

EXTENT_MB = 4
HEADER_MB = 1  # what LVM keeps at the beginning of a partition, before alignment
ROLE = "lvm"


@dataclass(frozen=True)
class PhysicalVolume(Partition):
    """The partition that holds the logical volumes of one group and disk.

    volumes: with size_mb in whole extents; none for the one that takes the rest. header_mb: what
    comes before the first extent. least_mb: what it needs, the rest taken as small as it can be.
    """

    group: str = ""
    volumes: tuple[Partition, ...] = ()
    header_mb: int = HEADER_MB
    least_mb: int = 0

    def sizes_mb(self, length_mb: int) -> Iterator[tuple[Partition, int]]:
        """What each logical volume gets in a partition of this length."""
        given = sum(volume.size_mb for volume in self.volumes)
        rest = max(0, length_mb - self.header_mb - given) // EXTENT_MB * EXTENT_MB
        for volume in self.volumes:
            yield volume, rest if volume.takes_rest else volume.size_mb


def by_group(partitions: Sequence[Partition]) -> dict[str, list[Partition]]:
    """The logical volumes of each volume group, both in the order of the partitions."""
    groups: dict[str, list[Partition]] = {}
    for part in partitions:
        if part.lvm is not None:
            groups.setdefault(part.lvm.group, []).append(part)
    return groups


def whole_extents(size_mb: int) -> int:
    """A size in MiB, rounded up to what LVM gives."""
    return math.ceil(size_mb / EXTENT_MB) * EXTENT_MB
