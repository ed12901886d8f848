"""Put the new system into the firmware's boot menu."""

from __future__ import annotations

import re

from engine.errors import CommandError
from engine.events import LogLine
from installer.context import Context
from installer.steps.install_grub_efi import LOADER_FOLDER, PLATFORMS
from installer.steps.step import Step

LABEL = "Photon"


class RegisterBootEntry(Step):
    """Only where this machine runs under UEFI. Firmware that refuses is no failure: it finds the
    loader by its fallback name."""

    id = "register-boot-entry"
    title = "Add the firmware's boot entry"

    def do(self, ctx: Context) -> None:
        if not ctx.target.machine.efi:
            return
        esp = ctx.target.volume("efi")
        _platform, loader = PLATFORMS[ctx.plan.arch]
        path = "\\" + f"{LOADER_FOLDER}/{loader}".replace("/", "\\")
        run = ctx.doors.commands.run
        try:
            for number in former_entries(run(["efibootmgr"]).stdout):
                run(["efibootmgr", "--quiet", "--bootnum", number, "--delete-bootnum"])
            place = ["--disk", esp.disk, "--part", str(esp.number)]
            run(["efibootmgr", "--quiet", "--create", *place, "--label", LABEL, "--loader", path])
        except CommandError as error:
            ctx.emit(LogLine(f"No boot entry was added: {error.message}", "warning", self.id))


def former_entries(text: str) -> list[str]:
    """Numbers of the entries of former installations, from efibootmgr's output."""
    return re.findall(rf"^Boot([0-9A-Fa-f]{{4}})\*? {LABEL}(?:\t|$)", text, re.MULTILINE)
