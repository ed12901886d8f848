"""Mount the new machine's file systems."""

from __future__ import annotations

from pathlib import Path

from installer.context import Context, Volume
from installer.steps.step import Step
from installer.storage.filesystems import MountPoint, mount_options, mount_points
from installer.storage.mounts import mount, unmount


class MountTarget(Step):
    """Mount / and /boot. The ESP stays unmounted: not every kernel here can read it."""

    id = "mount-target"
    title = "Mount the file systems"

    def do(self, ctx: Context) -> None:
        for place, volume, point in places(ctx):
            if point.path in ("/", "/boot"):
                mount(ctx, volume.node, place, mount_options(volume.partition, point.subvolume))

    def undo(self, ctx: Context) -> None:
        unmount(ctx, down_to=ctx.sysroot)


class MountData(Step):
    """Mount what belongs into /var, where the new stateroot's /var is.

    A file system for /var itself gets the directories that programs expect.
    """

    id = "mount-data"
    title = "Mount the data file systems"

    def do(self, ctx: Context) -> None:
        for place, volume, point in places(ctx):
            if point.path.startswith("/var") and volume.partition.filesystem != "vfat":
                mount(ctx, volume.node, place, mount_options(volume.partition, point.subvolume))
                if point.path == "/var":
                    run = ctx.doors.commands.run
                    run(["mkdir", "--parents", *(str(place / name) for name in ("lib", "log"))])
                    run(["mkdir", "--parents", "--mode=1777", str(place / "tmp")])


def places(ctx: Context) -> list[tuple[Path, Volume, MountPoint]]:
    """Everything with a mount point, outer ones first, and its place on the mounted target."""
    stateroot = ctx.sysroot / "ostree/deploy" / ctx.plan.source.osname
    found = []
    for volume in ctx.target.volumes:
        for point in mount_points(volume.partition):
            base = stateroot if point.path.startswith("/var") else ctx.sysroot
            found.append((base / point.path.lstrip("/"), volume, point))
    return sorted(found, key=lambda item: len(Path(item[2].path).parts))
