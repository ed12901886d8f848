"""Enable, disable and mask services as the plan says."""

from __future__ import annotations

from installer.context import Context
from installer.steps.step import Step

_VERBS = {"enabled": "enable", "disabled": "disable", "masked": "mask"}
_PRESET = "/etc/systemd/system-preset/10-photree.preset"


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
        if not ctx.plan.live:
            # Such an image has a first boot, at which systemd goes back to the presets.
            ctx.files.write(_PRESET, preset(services))


def preset(services: tuple[tuple[str, str], ...]) -> str:
    """systemd.preset(5); a mask needs none."""
    verbs = {unit: _VERBS[state] for unit, state in services if state != "masked"}
    return "".join(f"{verb} {unit}\n" for unit, verb in verbs.items())
