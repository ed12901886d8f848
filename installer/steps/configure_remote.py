"""Add the remote that the installed machine follows."""

from __future__ import annotations

from installer.context import Context
from installer.steps.step import Step


class ConfigureRemote(Step):
    id = "configure-remote"
    title = "Configure the remote repository"

    def do(self, ctx: Context) -> None:
        ctx.doors.trees.add_remote(ctx.sysroot, ctx.plan.source.remote)
