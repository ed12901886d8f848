"""Copy the plan's additional files into the new machine."""

from __future__ import annotations

from pathlib import Path

from installer.context import Context
from installer.steps.step import Step


class CopyFiles(Step):
    id = "copy-files"
    title = "Copy additional files"

    def do(self, ctx: Context) -> None:
        for index, file in enumerate(ctx.plan.host.files):
            ctx.cancel.check()
            if "://" in file.source:
                ctx.files.copy(_fetch(ctx, file.source, index), file.target)
            else:
                ctx.files.copy(Path(file.source), file.target)


def _fetch(ctx: Context, url: str, index: int) -> Path:
    """Download into the workspace."""
    place = ctx.workspace / f"file-{index}"
    ctx.doors.download(url, place)
    return place
