"""Make the disk images of the plan and attach them as block devices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from installer.context import Context
from installer.plan import Disk
from installer.steps.step import Step
from installer.storage.geometry import MIB


class CreateImages(Step):
    """Sets target.devices of images. They are held until the end of the run."""

    id = "create-images"
    title = "Create the disk image"

    def do(self, ctx: Context) -> None:
        for disk, image in images(ctx):
            ctx.target.devices[disk.id] = ctx.doors.disks.attach(
                image, disk.size_mb * MIB, disk.sector_size
            )

    def undo(self, ctx: Context) -> None:
        for _disk, image in images(ctx):
            ctx.doors.disks.detach(image)


class PublishImages(Step):
    """Give the finished images their names: an image is there completely or not at all."""

    id = "publish-images"
    title = "Name the finished disk image"

    def do(self, ctx: Context) -> None:
        for _disk, image in images(ctx):
            ctx.doors.disks.publish(image)


def images(ctx: Context) -> Iterator[tuple[Disk, Path]]:
    return ((disk, disk.image) for disk in ctx.plan.storage.disks if disk.image is not None)
