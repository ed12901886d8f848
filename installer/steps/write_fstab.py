"""Write /etc/fstab: everything but /, which the kernel arguments name."""

from __future__ import annotations

from collections.abc import Sequence

from installer.context import Context, Volume
from installer.steps.step import Step
from installer.storage.filesystems import MountPoint, mount_options, mount_points

_HEADER = "# Written by photree-installer. / is mounted by the kernel arguments.\n"
# The ESP is for the firmware: nobody else reads it, and the machine runs without it.
_ESP_OPTIONS = "umask=0077,nofail"
_CHECKED_AT_BOOT = ("ext3", "ext4", "vfat")
_ESCAPED = {" ": "\\040", "\t": "\\011", "\n": "\\012", "\\": "\\134"}


class WriteFstab(Step):
    id = "write-fstab"
    title = "Write /etc/fstab"

    def do(self, ctx: Context) -> None:
        ctx.files.write("/etc/fstab", fstab(ctx.target.volumes))


def fstab(volumes: Sequence[Volume]) -> str:
    """The file's text, by UUID, outer mount points first. Format: fstab(5)."""
    mounts = [(volume, point) for volume in volumes for point in mount_points(volume.partition)]
    mounts = [pair for pair in mounts if pair[1].path != "/"]
    mounts.sort(key=lambda pair: pair[1].path)
    lines = [_mount_line(volume, point) for volume, point in mounts]
    lines += [
        f"UUID={volume.uuid} none swap {volume.partition.mount_options or 'defaults'} 0 0"
        for volume in volumes
        if volume.partition.filesystem == "swap"
    ]
    return _HEADER + "".join(f"{line}\n" for line in lines)


def _mount_line(volume: Volume, point: MountPoint) -> str:
    part = volume.partition
    default = _ESP_OPTIONS if part.role == "efi" else "defaults"
    options = mount_options(part, point.subvolume) or default
    check = 2 if part.filesystem in _CHECKED_AT_BOOT else 0
    place = "".join(_ESCAPED.get(sign, sign) for sign in point.path)
    options = "".join(_ESCAPED.get(sign, sign) for sign in options)
    return f"UUID={volume.uuid} {place} {part.filesystem} {options} 0 {check}"
