"""`disk`, `disks`, `partitions`, `partition_type`, `bootmode` -> the complete storage."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from installer.kickstart.reading import Reading
from installer.kickstart.schema import Btrfs, DiskKeys, PartitionKeys, Subvol
from installer.plan import BootMode, Disk, LogicalVolume, Partition, Storage, Subvolume, TableType
from installer.storage.layout import (
    DEFAULT_DISK,
    complete_layout,
    default_partitions,
    layout_problems,
    layout_warnings,
    minimum_sizes,
    role_of,
)

# What a partition's problems depend on: while one is unknown, nothing is said about the partition
_DECISIVE = ("mountpoint", "size", "sizepercent", "filesystem", "disk_id", "btrfs", "lvm")


def read_storage(reading: Reading, arch: str) -> Storage | None:
    """The storage; None when there is a problem with it, which is noted."""
    before = len(reading.problems)
    disks = _read_disks(reading)
    table = TableType(reading.keys.partition_type)
    bootmode = _read_bootmode(reading, arch)
    indexes, partitions = _read_partitions(reading)
    whole = not reading.doubts("partitions") and len(reading.problems) == before
    known = [disk.id for disk in disks] if disks else [p.disk for p in partitions]
    ids = list(dict.fromkeys([DEFAULT_DISK, *known]))
    for problem in layout_problems(partitions, ids, bootmode, table):
        if problem.index is not None:
            path = ("partitions", indexes[problem.index], problem.key)
            reading.problem(path, problem.message, problem.hint)
        elif whole:
            reading.problem(("partitions",), problem.message, problem.hint)
    for warning in layout_warnings(partitions):
        at = indexes[warning.index or 0]
        reading.warn(("partitions", at, warning.key), warning.message, warning.hint)
    if len(reading.problems) > before or reading.doubts("partitions") or not disks:
        return None
    layout = complete_layout(partitions, bootmode, table)
    _check_images(reading, disks, layout)
    # A disk of the plan loses everything; one that gets nothing must not be in it
    used = {partition.disk for partition in layout}
    return Storage(tuple(d for d in disks if d.id in used), layout, table, bootmode)


def _read_bootmode(reading: Reading, arch: str) -> BootMode:
    given = reading.keys.bootmode
    if arch == "x86_64":
        return BootMode(given or "dualboot")
    if given in ("bios", "dualboot") and not reading.doubts("arch"):
        hint = "write efi, or leave it out"
        reading.problem(("bootmode",), f"{arch} machines do not boot by BIOS", hint)
    return BootMode.EFI


def _read_disks(reading: Reading) -> tuple[Disk, ...] | None:
    keys = reading.keys
    if keys.disk is not None and keys.disks is not None:
        hint = 'leave "disk" out'
        reading.problem(("disk",), "both disk and disks are given", hint, of_key=True)
    if keys.disk is not None:
        return (Disk("default", device=Path(keys.disk)),)
    if keys.disks is None:
        if not reading.doubts("disk") and not reading.doubts("disks"):
            hint = 'write "disk": "/dev/sda", or disks with an image file'
            reading.problem((), "no disk to install on is given", hint)
        return None
    if "default" not in keys.disks and not reading.doubts("disks", "default"):
        reading.problem(("disks",), 'disks needs one with the id "default"')
    disks = tuple(_read_disk(reading, id, disk) for id, disk in keys.disks.items())
    for index, disk in enumerate(disks):
        if disk.name != "None" and disk.name in [other.name for other in disks[:index]]:
            reading.problem(("disks", disk.id), f"{disk.name} is given twice")
    return disks


def _read_disk(reading: Reading, id: str, keys: DiskKeys) -> Disk:
    path = ("disks", id)
    if reading.doubts(*path):
        return Disk(id)
    if (keys.device is None) == (keys.filename is None):
        hint = "a device to install on, or the filename of an image to make"
        reading.problem(path, f"disks.{id} needs either device or filename", hint)
    elif keys.filename is not None and keys.size is None:
        reading.problem(path, f'disks.{id}: the key "size" is missing', "the image's size in MB")
    elif keys.device is not None and keys.size is not None:
        reading.problem((*path, "size"), f"disks.{id}.size belongs to images only", "leave it out")
    if keys.device is not None:
        return Disk(id, device=Path(keys.device))
    image = Path(keys.filename) if keys.filename else None
    return Disk(id, image=image, size_mb=keys.size or 0, sector_size=keys.sector_size)


def _read_partitions(reading: Reading) -> tuple[list[int], tuple[Partition, ...]]:
    """Those partitions that are fully known, with their indexes."""
    keys = reading.keys.partitions
    if keys is None:
        return [0], default_partitions()
    known: list[tuple[int, Partition]] = []
    for index, item in enumerate(keys):
        path = ("partitions", index)
        if any(reading.doubts(*path, key) for key in _DECISIVE):
            continue
        if item.size is not None and item.sizepercent is not None:
            hint = "leave one out"
            reading.problem(path, f"partitions[{index}] has both size and sizepercent", hint)
        elif item.size is None and item.sizepercent is None:
            hint = '"size" in MB, 0 for the rest of the disk, or "sizepercent"'
            reading.problem(path, f"partitions[{index}] has neither size nor sizepercent", hint)
        else:
            known.append((index, _read_partition(reading, index, item)))
    return [index for index, _ in known], tuple(partition for _, partition in known)


def _read_partition(reading: Reading, index: int, keys: PartitionKeys) -> Partition:
    path = ("partitions", index)
    filesystem = keys.filesystem or ("vfat" if keys.mountpoint == "/boot/efi" else "ext4")
    options = _joined(keys.fs_options, ",")
    if options.startswith("-"):
        hint = "arguments of mkfs belong to mkfs_options"
        reading.broken((*path, "fs_options"), "must be mount options", options, hint)
    btrfs = keys.btrfs or Btrfs()
    if keys.btrfs is not None and filesystem != "btrfs":
        hint = 'write "filesystem": "btrfs"'
        reading.problem((*path, "btrfs"), f"btrfs does not fit to {filesystem}", hint)
    return Partition(
        disk=keys.disk_id,
        role=role_of(keys.mountpoint, filesystem),
        filesystem=filesystem,
        mountpoint=keys.mountpoint,
        size_mb=keys.size or 0,
        size_percent=keys.sizepercent or 0,
        label=keys.label or btrfs.label,
        partlabel=keys.partlabel,
        mount_options=options,
        mkfs_options=_mkfs_options(reading, (*path, "mkfs_options"), keys.mkfs_options),
        subvolumes=tuple(_subvolumes(btrfs.subvols)),
        lvm=LogicalVolume(keys.lvm.vg_name, keys.lvm.lv_name) if keys.lvm else None,
    )


def _joined(value: str | list[str], separator: str) -> str:
    return value if isinstance(value, str) else separator.join(value)


def _mkfs_options(
    reading: Reading, path: tuple[str | int, ...], value: str | list[str]
) -> tuple[str, ...]:
    """Arguments as a shell would divide them; Photon's lists of features become -O LIST."""
    items = [value] if isinstance(value, str) else value
    try:
        words = [word for item in items for word in shlex.split(item)]
    except ValueError:
        reading.broken(path, "must have all its quotes closed", value)
        return ()
    if words and all(re.fullmatch(r"[\^a-z0-9_,=]+", word) for word in words):
        return ("-O", ",".join(words))
    return tuple(words)


def _subvolumes(keys: list[Subvol], parent: str = "") -> Iterator[Subvolume]:
    for key in keys:
        name = f"{parent}{key.name}"
        yield Subvolume(name, key.mountpoint)
        yield from _subvolumes(key.subvols, f"{name}/")


def _check_images(reading: Reading, disks: tuple[Disk, ...], layout: tuple[Partition, ...]) -> None:
    """Images have a size already, so that they can be refused before they are made."""
    least = minimum_sizes(layout)
    for disk in disks:
        if disk.id not in least:
            message = f'disk "{disk.id}" has no partitions, it is left alone'
            reading.warn(("disks", disk.id), message, of_key=True)
        elif disk.image and disk.size_mb < least[disk.id]:
            message = f"disks.{disk.id}.size: {disk.size_mb} MB are too small for the partitions"
            reading.problem(("disks", disk.id, "size"), message, f"at least {least[disk.id]}")
