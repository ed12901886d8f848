"""Enable, disable and mask services as the plan says."""

from __future__ import annotations

from installer.context import Context
from installer.steps.step import Step

_VERBS = {"enabled": "enable", "disabled": "disable", "masked": "mask"}


class EnableServices(Step):
    id = "enable-services"
    title = "Enable services"

    def do(self, ctx: Context) -> None:
        services = ctx.plan.host.services
        for state, verb in _VERBS.items():
            units = [unit for unit, wanted in services if wanted == state]
            if units:
                root = f"--root={ctx.tree.deployment}"
                ctx.doors.commands.run(["systemctl", root, verb, *units])
