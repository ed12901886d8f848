"""Bring everything to the disks and let go of them."""

from __future__ import annotations

from installer.context import Context
from installer.steps.step import Step


class Finish(Step):
    """After it the disks can be taken away. A file system that cannot be unmounted is an error."""

    id = "finish"
    title = "Write everything to the disk"
    weight = 10

    def do(self, ctx: Context) -> None:
        run = ctx.doors.commands.run
        while ctx.target.mounted:
            run(["umount", str(ctx.target.mounted[-1])])
            ctx.target.mounted.pop()
        nodes = [volume.node for volume in ctx.target.volumes]
        run(["sync", *nodes, *ctx.target.devices.values()])
