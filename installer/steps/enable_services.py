"""Enable, disable and mask services as the plan says."""

from __future__ import annotations

from pathlib import PurePosixPath

from installer.context import Context
from installer.steps.step import Step

_UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system")
_VERBS = {"enabled": "enable", "disabled": "disable", "masked": "mask"}


class EnableServices(Step):
    id = "enable-services"
    title = "Enable services"

    def do(self, ctx: Context) -> None:
        services = ctx.plan.host.services
        for state, verb in _VERBS.items():
            units = [_named_by_its_file(ctx, unit) for unit, wanted in services if wanted == state]
            if units:
                root = f"--root={ctx.tree.deployment}"
                ctx.doors.commands.run(["systemctl", root, verb, *units])


def _named_by_its_file(ctx: Context, unit: str) -> str:
    """The unit behind an alias (sshd.service may be a link to ssh.service): systemctl refuses to
    enable a link. A unit that is masked already, or that nobody knows, keeps its name."""
    for folder in _UNIT_FOLDERS:
        path = f"{folder}/{unit}"
        if ctx.files.exists(path):
            name = PurePosixPath(ctx.files.real_path(path)).name
            return unit if name == "null" else name
    return unit
