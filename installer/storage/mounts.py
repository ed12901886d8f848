"""Mounting below the workspace, so that nothing stays mounted."""

from __future__ import annotations

from pathlib import Path

from installer.context import Context


def mount(ctx: Context, node: str, place: Path, options: str = "") -> None:
    """Mount a device; it is on target.mounted before it is mounted."""
    run = ctx.doors.commands.run
    run(["mkdir", "--parents", str(place)])
    ctx.target.mounted.append(place)
    run(["mount", *(["--options", options] if options else []), node, str(place)])


def unmount(ctx: Context, down_to: Path) -> None:
    """Unmount what was mounted since (and with) down_to, last first; nothing to do is no error.

    Works after a cancellation. A mount that something still uses is taken out of sight at once and
    ends with its last user.
    """
    while down_to in ctx.target.mounted:
        place = str(ctx.target.mounted[-1])
        output = ctx.doors.cleanup.run(["umount", place], accept=(0, 1, 32))
        if output.returncode and "not mounted" not in output.stderr:
            ctx.doors.cleanup.run(["umount", "--lazy", place], accept=(0, 1, 32))
        ctx.target.mounted.pop()
