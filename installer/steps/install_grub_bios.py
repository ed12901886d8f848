"""Install GRUB for BIOS firmware."""

from __future__ import annotations

from installer.context import Context
from installer.steps.grub import prepare_shared_folder, run_grub
from installer.steps.step import Step

PLATFORM = "i386-pc"


class InstallGrubBios(Step):
    """Into the boot sectors of the disk that has /boot. The menu is libostree's business."""

    id = "install-grub-bios"
    title = "Install the boot loader for BIOS"
    weight = 6

    def do(self, ctx: Context) -> None:
        prepare_shared_folder(ctx)
        device = ctx.target.volume("boot").disk
        arguments = [f"--target={PLATFORM}", "--boot-directory={boot}", device]
        run_grub(ctx, "install", PLATFORM, arguments)
