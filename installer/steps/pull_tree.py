"""Bring the tree's commit into the new machine's repository."""

from __future__ import annotations

from installer.context import Context
from installer.steps.step import Step


class PullTree(Step):
    """Sets target.commit. Pulls from the plan's source, not from the remote's own URL, so that a
    host made from media follows the network afterwards."""

    id = "pull-tree"
    title = "Copy the tree"
    weight = 40

    def do(self, ctx: Context) -> None:
        source = ctx.plan.source
        url = ctx.target.repository_url or source.url
        ctx.target.commit = ctx.doors.trees.pull(ctx.sysroot, source, url, ctx.emit)
