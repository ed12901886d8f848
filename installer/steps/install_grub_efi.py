"""Install GRUB for UEFI firmware."""

from __future__ import annotations

from installer.context import Context
from installer.steps.grub import prepare_shared_folder, run_grub, shared_folder
from installer.steps.step import Step

# arch -> GRUB's platform, and the file every UEFI firmware starts from a disk it does not know
PLATFORMS = {
    "x86_64": ("x86_64-efi", "BOOTX64.EFI"),
    "aarch64": ("arm64-efi", "BOOTAA64.EFI"),
}
LOADER_FOLDER = "EFI/BOOT"
# All that a menu made from libostree's entries may use; nothing is loaded from the disk later.
_MODULES = (
    *("part_gpt", "part_msdos", "fat", "ext2", "xfs", "btrfs", "zstd", "gzio"),
    *("search", "search_fs_uuid", "search_label", "configfile", "normal", "linux", "loadenv"),
    *("echo", "test", "true", "regexp", "sleep", "ls", "cat", "minicmd", "boot", "halt", "reboot"),
    *("serial", "terminal", "gfxterm", "font", "all_video", "efi_gop", "efifwsetup"),
)


class InstallGrubEfi(Step):
    """One self-contained image that finds /boot by its UUID.

    It is copied with mtools: not every kernel here mounts vfat, and grub-install needs that.
    """

    id = "install-grub-efi"
    title = "Install the boot loader for UEFI"
    weight = 4

    def do(self, ctx: Context) -> None:
        platform, loader = PLATFORMS[ctx.plan.arch]
        prepare_shared_folder(ctx)
        folder = shared_folder(ctx)
        run = ctx.doors.commands.run
        run(
            ["install", "--mode=0644", "/dev/stdin", str(folder / "early.cfg")],
            input=early_configuration(ctx.target.volume("boot").uuid),
        )
        arguments = [f"--format={platform}", f"--directory=/usr/lib/grub/{platform}"]
        arguments += ["--prefix=/grub", "--config={shared}/early.cfg"]
        arguments += [f"--output={{shared}}/{loader}", *_MODULES]
        run_grub(ctx, "mkimage", platform, arguments)
        esp = ctx.target.volume("efi").node
        env = {"MTOOLS_SKIP_CHECK": "1"}  # mtools dislikes sizes that are no multiple of a track
        run(["mmd", "-i", esp, "::/EFI", f"::/{LOADER_FOLDER}"], env=env)
        run(["mcopy", "-i", esp, str(folder / loader), f"::/{LOADER_FOLDER}/{loader}"], env=env)


def early_configuration(boot_uuid: str) -> str:
    """What GRUB runs first: find /boot, then show the menu that libostree keeps there."""
    return (
        f"search --no-floppy --fs-uuid --set=root {boot_uuid}\n"
        "set prefix=($root)/grub\n"
        "configfile ($root)/grub/grub.cfg\n"
    )
