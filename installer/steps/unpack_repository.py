"""Unpack a repository that comes as one tar file (Photon's ostree-repo.tar.gz)."""

from __future__ import annotations

from pathlib import Path

from installer.context import Context
from installer.steps.step import Step


class UnpackRepository(Step):
    """Sets target.repository_url. Unpacked on the target disk: memory may be small; it is removed
    after the pull."""

    id = "unpack-repository"
    title = "Unpack the repository"
    weight = 20

    def __init__(self, archive: Path) -> None:
        self._archive = archive

    def do(self, ctx: Context) -> None:
        run = ctx.doors.commands.run
        folder = unpacked(ctx)
        run(["mkdir", "--parents", str(folder)])
        run(["tar", "--extract", "--file", str(self._archive), "--directory", str(folder)])
        ctx.target.repository_url = ctx.doors.trees.locate_repository(folder).as_uri()

    def undo(self, ctx: Context) -> None:
        if ctx.sysroot in ctx.target.mounted:
            ctx.doors.cleanup.run(["rm", "--recursive", "--force", str(unpacked(ctx))])


class RemoveUnpacked(Step):
    """Give the room back before the disk is finished."""

    id = "remove-unpacked"
    title = "Remove the unpacked repository"

    def do(self, ctx: Context) -> None:
        ctx.doors.commands.run(["rm", "--recursive", "--force", str(unpacked(ctx))])


def unpacked(ctx: Context) -> Path:
    return ctx.sysroot / "ostree/photree-unpacked"
