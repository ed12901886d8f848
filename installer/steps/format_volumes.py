"""Make file systems and swap areas."""

from __future__ import annotations

from dataclasses import replace

from engine.events import LogLine, Progress
from installer.context import Context, Volume
from installer.steps.step import Step
from installer.storage.filesystems import create_command
from installer.storage.mounts import mount, unmount


class FormatVolumes(Step):
    """Sets the uuid of every formatted volume in target.volumes, as blkid reads it back."""

    id = "format-volumes"
    title = "Make the file systems"
    weight = 10

    def do(self, ctx: Context) -> None:
        volumes = ctx.target.volumes
        for index, volume in enumerate(volumes):
            note = f"{volume.partition.filesystem} on {volume.node}"
            ctx.emit(Progress(self.id, index, len(volumes), "volumes", note=note))
            if volume.partition.filesystem:
                volumes[index] = _format(ctx, volume)
        ctx.emit(Progress(self.id, len(volumes), len(volumes), "volumes"))

    def undo(self, ctx: Context) -> None:
        unmount(ctx, down_to=ctx.workspace / "btrfs")


def _format(ctx: Context, volume: Volume) -> Volume:
    run = ctx.doors.commands.run
    part = volume.partition
    run(create_command(part, volume.node))
    uuid = run(["blkid", "--probe", "--match-tag", "UUID", "--output", "value", volume.node])
    made = replace(volume, uuid=uuid.stdout.strip())
    ctx.emit(LogLine(f"{volume.node} is {part.filesystem} {made.uuid}"))
    if part.subvolumes:
        _create_subvolumes(ctx, made)
    return made


def _create_subvolumes(ctx: Context, volume: Volume) -> None:
    place = ctx.workspace / "btrfs"
    mount(ctx, volume.node, place)
    for subvolume in volume.partition.subvolumes:
        path = place / subvolume.name
        if "/" in subvolume.name:
            ctx.doors.commands.run(["mkdir", "--parents", str(path.parent)])
        ctx.doors.commands.run(["btrfs", "subvolume", "create", str(path)])
    unmount(ctx, down_to=place)
