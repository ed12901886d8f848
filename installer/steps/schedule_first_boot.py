"""Scripts for the machine's first boot, run by a unit of ours in order, once."""

from __future__ import annotations

from collections.abc import Sequence

from installer.context import Context
from installer.plan import Script
from installer.steps.scripts import script_text
from installer.steps.step import Step

UNIT = "photree-firstboot.service"
_FOLDER = "/var/lib/photree/firstboot"
_DONE = "/var/lib/photree/firstboot.done"


class ScheduleFirstBoot(Step):
    id = "schedule-first-boot"
    title = "Prepare the first boot's scripts"

    def do(self, ctx: Context) -> None:
        scripts = ctx.plan.scripts.firstboot
        ctx.files.make_directory(_FOLDER, 0o700)
        names = [f"{_FOLDER}/{index:02}" for index in range(1, len(scripts) + 1)]
        for name, script in zip(names, scripts, strict=True):
            ctx.files.write(name, script_text(script), 0o700)
        ctx.files.write(f"/etc/systemd/system/{UNIT}", unit(names, scripts))
        ctx.files.link(
            f"/etc/systemd/system/multi-user.target.wants/{UNIT}", f"/etc/systemd/system/{UNIT}"
        )


def unit(names: Sequence[str], scripts: Sequence[Script]) -> str:
    """The service's text. A failing script fails the unit, and all run again at the next boot."""
    commands = "".join(
        f"# {' '.join(script.name.split())}\nExecStart={name}\n"
        for name, script in zip(names, scripts, strict=True)
    )
    return (
        "[Unit]\n"
        "Description=Scripts of the first boot\n"
        f"ConditionPathExists=!{_DONE}\n"
        "Wants=network-online.target\n"
        "After=network-online.target\n"
        "\n[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        "TimeoutStartSec=infinity\n"
        f"{commands}"
        f"ExecStart=/usr/bin/touch {_DONE}\n"
        "\n[Install]\n"
        "WantedBy=multi-user.target\n"
    )
