"""Put the new system into the firmware's boot menu."""

from __future__ import annotations

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
        place = ["--disk", esp.disk, "--part", str(esp.number)]
        entry = ["--label", LABEL, "--loader", path]
        try:
            ctx.doors.commands.run(["efibootmgr", "--quiet", "--create", *place, *entry])
        except CommandError as error:
            ctx.emit(LogLine(f"No boot entry was added: {error.message}", "warning", self.id))
