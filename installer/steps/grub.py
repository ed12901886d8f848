"""GRUB's programs: the tree's own, which fit what the tree will update, else the installer's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.errors import StorageError
from installer.context import Context
from installer.storage.inside import SHARED, inside

MODULES = "/usr/lib/grub"
_PREFIXES = ("grub2", "grub")  # Photon and Fedora, Debian
_FOLDERS = ("/usr/sbin", "/usr/bin")


def run_grub(ctx: Context, program: str, platform: str, arguments: Sequence[str]) -> None:
    """Run grub-PROGRAM (or grub2-PROGRAM), where the modules of the platform are too.

    In arguments {boot} stands for the new /boot, {shared} for the directory `shared_folder`.
    Raises StorageError when neither the tree nor the installer has it.
    """
    names = [f"{folder}/{prefix}-{program}" for prefix in _PREFIXES for folder in _FOLDERS]
    modules = f"{MODULES}/{platform}"
    if ctx.files.exists(f"{modules}/normal.mod"):
        for name in names:
            if ctx.files.exists(name):
                there = [text.format(boot="/boot", shared=SHARED) for text in arguments]
                inside(ctx, [name, *there], shared=shared_folder(ctx))
                return
    if Path(modules, "normal.mod").exists():
        for name in names:
            if Path(name).exists():
                here = [text.format(boot=ctx.boot, shared=shared_folder(ctx)) for text in arguments]
                ctx.doors.commands.run([name, *here])
                return
    raise StorageError(
        f"Neither the tree nor the installer has GRUB for {platform}.",
        hint="Add GRUB's packages to the tree, or choose another bootmode.",
    )


def shared_folder(ctx: Context) -> Path:
    """A directory that both sides see; made by `prepare_shared_folder`."""
    return ctx.workspace / "grub"


def prepare_shared_folder(ctx: Context) -> None:
    ctx.doors.commands.run(["mkdir", "--parents", str(shared_folder(ctx))])
