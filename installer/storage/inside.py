"""Programs of the new machine, run in its own file system before it ever booted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.command import Output
from installer.context import Context

SHARED = "/run/photree"
_RESOLVER_LINKS = ("stub-resolv.conf", "resolv.conf")  # where a tree's /etc/resolv.conf may lead


def inside(
    ctx: Context,
    argv: Sequence[str],
    shared: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Output:
    """Run a program of the deployed tree with its /etc, the stateroot's /var and the new /boot.

    /usr is read-only, as on the running machine: its files are objects of the repository. Devices
    and the network are the installer's. shared: a directory it finds as SHARED. Nothing it started
    survives, and no mount. Raises CommandError and Cancelled.
    """
    return ctx.doors.commands.run([*_sandbox(ctx, shared), "--", *argv], env=env)


def _sandbox(ctx: Context, shared: Path | None) -> list[str]:
    tree = ctx.tree
    arguments = ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc"]
    arguments += ["--bind", str(tree.deployment), "/"]
    arguments += ["--ro-bind", str(tree.deployment / "usr"), "/usr"]
    arguments += ["--ro-bind", str(ctx.sysroot), "/sysroot"]
    arguments += ["--bind", str(tree.var), "/var", "--bind", str(ctx.boot), "/boot"]
    arguments += ["--dev-bind", "/dev", "/dev", "--proc", "/proc", "--ro-bind", "/sys", "/sys"]
    arguments += ["--tmpfs", "/run", "--tmpfs", "/tmp"]  # noqa: S108 - inside
    for name in _RESOLVER_LINKS:
        arguments += ["--ro-bind-try", "/etc/resolv.conf", f"/run/systemd/resolve/{name}"]
    if shared is not None:
        arguments += ["--bind", str(shared), SHARED]
    return [*arguments, "--chdir", "/"]
