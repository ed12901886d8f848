"""Make the OSTree layout on the new root file system."""

from __future__ import annotations

from installer.context import Context
from installer.steps.step import Step


class InitialiseSysroot(Step):
    """/ostree/repo, the stateroot, and a /boot that libostree recognises as GRUB's."""

    id = "initialise-sysroot"
    title = "Prepare the file system for OSTree"

    def do(self, ctx: Context) -> None:
        ctx.doors.trees.initialise(ctx.sysroot, ctx.plan.source.osname)
        # The mount point of the ESP, which only the running machine mounts.
        if any(ctx.target.volumes_of("efi")):
            ctx.doors.commands.run(["mkdir", "--parents", str(ctx.boot / "efi")])
