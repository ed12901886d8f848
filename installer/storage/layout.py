"""Partitions as a user wants them -> the complete layout, with everything that booting needs.

Pure: sizes of real disks are not known here (`minimum_sizes` says what they must be). Shared by the
kickstart and the wizard; problems name the partition by its index and the key that is wrong.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from installer.plan import BootMode, LogicalVolume, Partition, TableType
from installer.rules import mapped_path, normal_path
from installer.storage.lvm import HEADER_MB, by_group, whole_extents

BIOS_BOOT_MB = 4
ESP_MB = 128
BOOT_MB = 512
DEFAULT_DISK = "default"

MIN_ESP_MB = 8
MIN_BOOT_MB = 64
COMFORTABLE_BOOT_MB = 256
MIN_ROOT_MB = 1024
MIN_DATA_MB = 32
_TABLE_MB = 2  # both copies of a GPT, the gap before the first partition
_MAX_MSDOS_PARTITIONS = 4
_MAX_GPT_PARTITIONS = 128
_MAX_MSDOS_MB = 2 * 1024 * 1024  # 32 bits of 512-byte sectors

FILESYSTEMS = ("ext4", "ext3", "xfs", "btrfs", "vfat", "swap")
_LABEL_BYTES = {"ext4": 16, "ext3": 16, "xfs": 12, "btrfs": 255, "vfat": 11, "swap": 15}
# Links (loader -> loader.0) must be possible in /boot, and GRUB must be able to read it
_BOOT_FILESYSTEMS = ("ext4", "ext3", "xfs", "btrfs")
_ROOT_FILESYSTEMS = ("ext4", "ext3", "xfs", "btrfs")
# Of the tree, or of the running system: nothing can be mounted over them
_TAKEN = ("usr", "etc", "bin", "sbin", "lib", "lib64", "ostree", "sysroot", "proc", "sys", "dev")
_MOUNTABLE = ("boot", "var", "tmp", "home", "root", "srv", "opt", "mnt")


@dataclass(frozen=True)
class LayoutProblem:
    """index: the partition as the user counts them, None for the whole layout. key: which of its
    values ("mountpoint", "size", "filesystem", ...; "" for the partition itself)."""

    message: str
    hint: str = ""
    index: int | None = None
    key: str = ""


def role_of(mountpoint: str, filesystem: str) -> str:
    """The role in a plan of a partition that a user asks for."""
    if filesystem == "swap":
        return "swap"
    return {"/": "root", "/boot": "boot", "/boot/efi": "efi"}.get(mountpoint, "data")


def default_partitions() -> tuple[Partition, ...]:
    """What a user who says nothing gets: one file system over the rest of the disk."""
    return (Partition(DEFAULT_DISK, "root", "ext4", "/"),)


def complete_layout(
    partitions: Sequence[Partition],
    bootmode: BootMode = BootMode.DUAL,
    table: TableType = TableType.GPT,
) -> tuple[Partition, ...]:
    """The layout in on-disk order: BIOS boot, ESP, /boot, then as given, the rest of a disk last.

    Logical volumes are where the first one of their group is. What is missing is added on the disk
    that has /boot, or else /. The partitions have no problems.
    """
    wanted = [_mapped(p) for p in partitions]
    boot_disk = _boot_disk(wanted)
    added: list[Partition] = []
    if bootmode.bios and table is TableType.GPT and not _has(wanted, "bios"):
        added.append(Partition(boot_disk, "bios", size_mb=BIOS_BOOT_MB))
    if bootmode.efi and not _has(wanted, "efi"):
        added.append(Partition(boot_disk, "efi", "vfat", "/boot/efi", size_mb=ESP_MB))
    if not _has(wanted, "boot"):
        added.append(Partition(boot_disk, "boot", "ext4", "/boot", size_mb=BOOT_MB))
    disks = list(dict.fromkeys([DEFAULT_DISK, *(p.disk for p in wanted)]))
    first = {"bios": 0, "efi": 1, "boot": 2}

    def on_disk_order(partition: Partition) -> tuple[int, int, int, bool]:
        shared = [p for p in wanted if p is partition or _share_a_partition(p, partition)]
        rest = any(p.takes_rest for p in shared)
        place = first.get(partition.role, 4 if rest else 3)
        number = wanted.index(shared[0]) if shared else 0
        return disks.index(partition.disk), place, number, partition.takes_rest

    return tuple(sorted([*added, *wanted], key=on_disk_order))


def minimum_sizes(partitions: Sequence[Partition]) -> dict[str, int]:
    """MiB that each disk must have for a complete layout, by disk id; file systems must not only
    fit, but hold a tree."""
    sizes: dict[str, int] = {}
    for disk in dict.fromkeys(p.disk for p in partitions):
        ours = [p for p in partitions if p.disk == disk]
        overhead = _TABLE_MB + len(ours) + HEADER_MB * len(by_group(ours))
        fixed = overhead + sum(_least(p) if p.takes_rest else _rounded(p, p.size_mb) for p in ours)
        share = 1 - sum(p.size_percent for p in ours) / 100
        total = math.ceil(fixed / share) if share > 0 else fixed
        least = [math.ceil(_least(p) * 100 / p.size_percent) for p in ours if p.size_percent]
        sizes[disk] = max(total, *least) if least else total
    return sizes


def layout_problems(
    partitions: Sequence[Partition],
    disks: Sequence[str],
    bootmode: BootMode = BootMode.DUAL,
    table: TableType = TableType.GPT,
) -> Iterator[LayoutProblem]:
    """Everything that is wrong with what a user asked for, before it is completed."""
    for index, partition in enumerate(partitions):
        for problem in _partition_problems(partition, disks, table):
            yield replace(problem, index=index)
    yield from _mountpoint_problems(partitions)
    yield from _name_problems(partitions)
    yield from _disk_problems(partitions)
    if any(p.role == "root" for p in partitions):
        yield from _count_problems(partitions, bootmode, table)
    else:
        hint = 'add a partition with "mountpoint": "/" and "size": 0'
        yield LayoutProblem("there is no partition for /", hint)


def layout_warnings(partitions: Sequence[Partition]) -> Iterator[LayoutProblem]:
    """What will work, but not as a user may think."""
    for index, partition in enumerate(partitions):
        points = [partition.mountpoint, *(sub.mountpoint for sub in partition.subvolumes)]
        for point in points:
            real = mapped_path(point)
            if real != point:
                message = f"{point} is a link in a tree, {real} is mounted instead"
                yield LayoutProblem(message, index=index, key="mountpoint")
        if partition.role == "boot" and 0 < partition.size_mb < COMFORTABLE_BOOT_MB:
            message = f"/boot of {partition.size_mb} MB may be too small for two kernels"
            hint = f"{BOOT_MB} is a good size"
            yield LayoutProblem(message, hint, index, "size")


def _mapped(partition: Partition) -> Partition:
    """With mount points where they really are in a tree."""
    subvolumes = (replace(s, mountpoint=mapped_path(s.mountpoint)) for s in partition.subvolumes)
    point = mapped_path(partition.mountpoint)
    return replace(partition, mountpoint=point, subvolumes=tuple(subvolumes))


def _has(partitions: Sequence[Partition], role: str) -> bool:
    return any(p.role == role for p in partitions)


def _boot_disk(partitions: Sequence[Partition]) -> str:
    for role in ("boot", "root"):
        for partition in partitions:
            if partition.role == role:
                return partition.disk
    return DEFAULT_DISK


def _share_a_partition(one: Partition, other: Partition) -> bool:
    """Whether both are logical volumes of one group on one disk."""
    groups = [(p.disk, p.lvm.group) for p in (one, other) if p.lvm]
    return len(groups) == 2 and groups[0] == groups[1]


def _least(partition: Partition) -> int:
    least = {"root": MIN_ROOT_MB, "boot": MIN_BOOT_MB, "efi": MIN_ESP_MB, "bios": 1, "swap": 1}
    return _rounded(partition, least.get(partition.role, MIN_DATA_MB))


def _rounded(partition: Partition, size_mb: int) -> int:
    return whole_extents(size_mb) if partition.lvm else size_mb


def _partition_problems(
    partition: Partition, disks: Sequence[str], table: TableType
) -> Iterator[LayoutProblem]:
    if partition.disk not in disks:
        known = ", ".join(disks)
        yield LayoutProblem(f'there is no disk "{partition.disk}", only {known}', key="disk_id")
    yield from _filesystem_problems(partition)
    yield from _lvm_problems(partition)
    yield from _size_problems(partition, table)
    limit = _LABEL_BYTES.get(partition.filesystem, 255)
    if len(partition.label.encode()) > limit:
        message = f"a label of {partition.filesystem} has at most {limit} bytes"
        yield LayoutProblem(message, key="label")
    if partition.partlabel and partition.lvm:
        hint = "leave it out, or use label"
        yield LayoutProblem("a logical volume is no partition with a name", hint, key="partlabel")
    elif partition.partlabel and table is TableType.MSDOS:
        yield LayoutProblem("msdos partitions have no names", "leave it out", key="partlabel")
    elif len(partition.partlabel) > 36:
        yield LayoutProblem("a partition's name has at most 36 characters", key="partlabel")
    if partition.subvolumes and partition.filesystem != "btrfs":
        yield LayoutProblem("only btrfs has subvolumes", key="btrfs")


def _filesystem_problems(partition: Partition) -> Iterator[LayoutProblem]:
    kind, point = partition.filesystem, partition.mountpoint
    if kind == "swap" and point:
        yield LayoutProblem(f"swap cannot be mounted on {point}", "leave it out", key="mountpoint")
        return
    if partition.role == "efi" and kind != "vfat":
        yield LayoutProblem(f"/boot/efi must be vfat, not {kind}", key="filesystem")
    if partition.role == "boot" and kind not in _BOOT_FILESYSTEMS:
        message = f"/boot must be {', '.join(_BOOT_FILESYSTEMS)}, not {kind}"
        yield LayoutProblem(message, "OSTree keeps links in it", key="filesystem")
    if partition.role == "root" and kind not in _ROOT_FILESYSTEMS:
        yield LayoutProblem(
            f"/ must be {', '.join(_ROOT_FILESYSTEMS)}, not {kind}", key="filesystem"
        )
    if kind != "swap" and not point and not partition.subvolumes:
        hint = 'name one, or write "filesystem": "swap"'
        yield LayoutProblem("a partition without a mountpoint", hint)
    if kind == "vfat" and mapped_path(point).startswith("/var") and point in ("/var", "/root"):
        yield LayoutProblem(f"{point} needs a file system with owners, not vfat", key="filesystem")


def _lvm_problems(partition: Partition) -> Iterator[LayoutProblem]:
    if partition.lvm is None:
        return
    reasons = {"efi": "firmware does not read LVM", "boot": "GRUB writes to it without LVM"}
    if partition.role in reasons:
        message = f"{partition.mountpoint} cannot be a logical volume: {reasons[partition.role]}"
        yield LayoutProblem(message, "leave lvm out for a plain partition", key="lvm")


def _size_problems(partition: Partition, table: TableType) -> Iterator[LayoutProblem]:
    least = _least(partition)
    if 0 < partition.size_mb < least:
        what = partition.mountpoint or partition.role
        yield LayoutProblem(f"{what} needs at least {least} MB", key="size")
    if partition.size_mb > _MAX_MSDOS_MB and table is TableType.MSDOS:
        hint = "use partition_type gpt"
        yield LayoutProblem("msdos partitions end at 2 TiB", hint, key="size")


def _mountpoint_problems(partitions: Sequence[Partition]) -> Iterator[LayoutProblem]:
    seen: dict[str, int] = {}
    for index, partition in enumerate(partitions):
        points = [partition.mountpoint, *(sub.mountpoint for sub in partition.subvolumes)]
        for point in filter(None, points if partition.filesystem != "swap" else ()):
            key = "mountpoint" if point == partition.mountpoint else "btrfs"
            if broken := normal_path(point):
                message = f"mountpoint {broken.message}, not {point}"
                yield LayoutProblem(message, broken.hint, index, key)
                continue
            yield from (replace(p, index=index, key=key) for p in _place_problems(point))
            real = mapped_path(point)
            if real in seen:
                yield LayoutProblem(f"{point} is mounted twice", index=index, key=key)
            seen.setdefault(real, index)


def _place_problems(point: str) -> Iterator[LayoutProblem]:
    top = point.split("/")[1]
    if point == "/" or mapped_path(point).startswith("/var/"):
        return
    if top == "run":
        yield LayoutProblem(f"{point} is emptied at every boot", f'write "/var{point[4:]}"')
    elif top in _TAKEN:
        yield LayoutProblem(f"{point} belongs to the tree, nothing can be mounted there")
    elif top not in _MOUNTABLE or (top == "boot" and point not in ("/boot", "/boot/efi")):
        hint = f'write "/var{point}"'
        yield LayoutProblem(f"{point} cannot be made in a tree, whose / is read-only", hint)


def _name_problems(partitions: Sequence[Partition]) -> Iterator[LayoutProblem]:
    """Logical volumes need names of their own in their group, whatever disk they lie on."""
    seen: set[LogicalVolume] = set()
    for index, partition in enumerate(partitions):
        if partition.lvm in seen:
            message = (
                f"the logical volume {partition.lvm.group}/{partition.lvm.name} is there twice"
            )
            yield LayoutProblem(message, "choose another lv_name", index, "lvm")
        elif partition.lvm is not None:
            seen.add(partition.lvm)


def _disk_problems(partitions: Sequence[Partition]) -> Iterator[LayoutProblem]:
    rest: set[str] = set()
    percent: Counter[str] = Counter()
    for index, partition in enumerate(partitions):
        if partition.takes_rest:
            if partition.disk in rest:
                message = f'disk "{partition.disk}" has two partitions for its rest'
                yield LayoutProblem(message, "only one can have size 0", index, "size")
            rest.add(partition.disk)
        percent[partition.disk] += partition.size_percent
        if partition.size_percent and percent[partition.disk] > 100:
            message = f'disk "{partition.disk}" is shared out to more than 100 percent'
            yield LayoutProblem(message, index=index, key="sizepercent")
    for disk, total in percent.items():
        others = [p for p in partitions if p.disk == disk and not p.size_percent]
        if total == 100 and (others or disk == _boot_disk(partitions)):
            hint = 'give one of them "size": 0 instead, which is the rest'
            yield LayoutProblem(f'disk "{disk}" has no room beside 100 percent', hint)


def _count_problems(
    partitions: Sequence[Partition], bootmode: BootMode, table: TableType
) -> Iterator[LayoutProblem]:
    limit = _MAX_MSDOS_PARTITIONS if table is TableType.MSDOS else _MAX_GPT_PARTITIONS
    layout = complete_layout(partitions, bootmode, table)
    for disk in dict.fromkeys(p.disk for p in layout):
        ours = [p for p in layout if p.disk == disk]
        count = sum(p.lvm is None for p in ours) + len(by_group(ours))
        if count > limit:
            message = f'disk "{disk}" gets {count} partitions, {table} has {limit} at most'
            yield LayoutProblem(message, "use partition_type gpt" if limit == 4 else "")
