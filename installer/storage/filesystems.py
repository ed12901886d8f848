"""How file systems are made and mounted."""

from __future__ import annotations

from dataclasses import dataclass

from installer.plan import Partition

# Options before the plan's own: quiet, and over whatever is there (the disk was chosen to be wiped)
_CREATE = {
    "ext3": ("mkfs.ext3", "-q", "-F"),
    "ext4": ("mkfs.ext4", "-q", "-F"),
    "xfs": ("mkfs.xfs", "-q", "-f"),
    "btrfs": ("mkfs.btrfs", "-q", "-f"),
    "vfat": ("mkfs.vfat",),
    "swap": ("mkswap", "--force"),
}
_LABEL_OPTION = {"vfat": "-n"}


@dataclass(frozen=True)
class MountPoint:
    """Where a volume, or one of its btrfs subvolumes, appears on the running machine."""

    path: str
    subvolume: str = ""


def create_command(partition: Partition, node: str) -> list[str]:
    """The program that makes the partition's file system (or swap area) on the node."""
    command = list(_CREATE[partition.filesystem])
    if partition.label:
        command += [_LABEL_OPTION.get(partition.filesystem, "-L"), partition.label]
    return [*command, *partition.mkfs_options, node]


def mount_points(partition: Partition) -> list[MountPoint]:
    """Every place a partition is mounted at."""
    own = [MountPoint(partition.mountpoint)] if partition.mountpoint else []
    subvolumes = [
        MountPoint(sub.mountpoint, sub.name) for sub in partition.subvolumes if sub.mountpoint
    ]
    # A subvolume for the same place is what the user wants to see there.
    taken = {point.path for point in subvolumes}
    return [point for point in own if point.path not in taken] + subvolumes


def mount_options(partition: Partition, subvolume: str = "") -> str:
    """The comma-separated options for mount, fstab and rootflags=; "" when there are none."""
    options = [partition.mount_options] if partition.mount_options else []
    if subvolume:
        options.append(f"subvol={subvolume}")
    return ",".join(options)
