"""Enable, disable and mask services as the plan says."""

from __future__ import annotations

from pathlib import PurePosixPath

from installer.context import Context
from installer.steps.step import Step

_UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system")
_UPDATE_TIMER = "photree-automatic.timer"
_VERBS = {"enabled": "enable", "disabled": "disable", "masked": "mask"}


class EnableServices(Step):
    id = "enable-services"
    title = "Enable services"

    def do(self, ctx: Context) -> None:
        services = _wanted(ctx)
        for state, verb in _VERBS.items():
            units = [_named_by_its_file(ctx, unit) for unit, wanted in services if wanted == state]
            if units:
                root = f"--root={ctx.tree.deployment}"
                ctx.doors.commands.run(["systemctl", root, verb, *units])


def _wanted(ctx: Context) -> list[tuple[str, str]]:
    """The plan's services, and the timer that a policy of automatic updates needs."""
    host = ctx.plan.host
    services = list(host.services)
    if host.updates != "none" and _UPDATE_TIMER not in dict(services):
        services.append((_UPDATE_TIMER, "enabled"))
    return services


def _named_by_its_file(ctx: Context, unit: str) -> str:
    """The unit behind an alias (sshd.service may be a link to ssh.service): systemctl refuses to
    enable a link. A unit that is masked already, or that nobody knows, keeps its name."""
    for folder in _UNIT_FOLDERS:
        path = f"{folder}/{unit}"
        if ctx.files.exists(path):
            name = PurePosixPath(ctx.files.real_path(path)).name
            return unit if name == "null" else name
    return unit
