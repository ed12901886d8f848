"""Exact commands of the steps that make the disk boot."""

from pathlib import Path

from installer.plan import BootMode, Host, Partition, Subvolume
from installer.probe import Machine
from installer.steps.deploy_tree import DeployTree
from installer.steps.initialise_sysroot import InitialiseSysroot
from installer.steps.install_grub_bios import InstallGrubBios
from installer.steps.install_grub_efi import InstallGrubEfi, early_configuration
from installer.steps.pull_tree import PullTree
from installer.steps.register_boot_entry import RegisterBootEntry
from installer.steps.unpack_repository import RemoveUnpacked, UnpackRepository
from tests.installer.plans import MACHINE, ROOT, deployed, formatted, lines_of, make_plan

RESTARTS = "panic=30 rd.shell=0 rd.emergency=reboot"
MNT = "/run/photree/install/sysroot"


def test_the_esp_gets_its_mount_point():
    ctx, told = formatted(make_plan())
    InitialiseSysroot().do(ctx)
    assert told.commands == [f"mkdir --parents {MNT}/boot/efi"]


def test_without_an_esp_there_is_no_mount_point_for_it():
    ctx, told = formatted(make_plan(bootmode=BootMode.BIOS))
    InitialiseSysroot().do(ctx)
    assert told.commands == []


def test_the_tree_is_pulled_from_the_source_not_from_the_remote():
    ctx, told = formatted(make_plan())
    assert lines_of(PullTree(), ctx, told) == [
        "- pull photon/5.0/x86_64/minimal from file:///media/repo "
        "as photon:photon/5.0/x86_64/minimal"
    ]


def test_an_archive_is_unpacked_on_the_target_and_removed():
    archive = Path("/media/ostree-repo.tar.gz")
    ctx, told = formatted(make_plan(url=""))
    UnpackRepository(archive).do(ctx)
    PullTree().do(ctx)
    RemoveUnpacked().do(ctx)
    place = f"{MNT}/ostree/photree-unpacked"
    assert told.lines == [
        f"$ mkdir --parents {place}",
        f"$ tar --extract --file /media/ostree-repo.tar.gz --directory {place}",
        f"- pull photon/5.0/x86_64/minimal from file://{place} as photon:photon/5.0/x86_64/minimal",
        f"$ rm --recursive --force {place}",
    ]


def test_root_is_found_by_uuid_and_the_plans_arguments_follow():
    host = Host("h", kernel_arguments=("console=tty0", "console=ttyS0,115200"))
    ctx, told = formatted(make_plan(host=host))
    ctx.target.commit = "c0ffee"
    assert lines_of(DeployTree(), ctx, told) == [
        "- deploy c0ffee as photon",
        f"    root=UUID=UUID-4 rw {RESTARTS} console=tty0 console=ttyS0,115200",
    ]
    assert ctx.tree.deployment == Path(f"{MNT}/ostree/deploy/photon/deploy/c0ffee.0")


def test_a_subvolume_for_root_is_a_kernel_argument():
    root = Partition(
        "default", "root", "btrfs", "/", mount_options="ssd", subvolumes=(Subvolume("@", "/"),)
    )
    ctx, told = formatted(make_plan(root))
    assert lines_of(DeployTree(), ctx, told)[1] == (
        f"    root=UUID=UUID-4 rw rootflags=ssd,subvol=@ {RESTARTS}"
    )


def test_the_users_word_on_what_a_panic_does_wins():
    ctx, told = formatted(make_plan(host=Host("h", kernel_arguments=("panic=0", "quiet"))))
    assert lines_of(DeployTree(), ctx, told)[1] == (
        "    root=UUID=UUID-4 rw rd.shell=0 rd.emergency=reboot panic=0 quiet"
    )


def test_grub_for_bios_comes_from_the_tree_to_the_disk_of_boot():
    ctx, told = deployed(make_plan())
    InstallGrubBios().do(ctx)
    inside = told.commands[1].split(" -- ")[1]
    assert inside == "/usr/sbin/grub2-install --target=i386-pc --boot-directory=/boot /dev/vda"


def test_grub_for_uefi_is_one_image_copied_without_mounting():
    ctx, told = deployed(make_plan())
    InstallGrubEfi().do(ctx)
    assert told.commands[0] == "mkdir --parents /run/photree/install/grub"
    assert told.commands[1].startswith(
        "install --mode=0644 /dev/stdin /run/photree/install/grub/early.cfg"
    )
    inside = told.commands[2].split(" -- ")[1]
    assert inside.startswith(
        "/usr/sbin/grub2-mkimage --format=x86_64-efi --directory=/usr/lib/grub/x86_64-efi "
        "--prefix=/grub --config=/run/photree/early.cfg --output=/run/photree/BOOTX64.EFI part_gpt"
    )
    assert told.commands[3:] == [
        "MTOOLS_SKIP_CHECK=1 mmd -i /dev/vda2 ::/EFI ::/EFI/BOOT",
        "MTOOLS_SKIP_CHECK=1 mcopy -i /dev/vda2 /run/photree/install/grub/BOOTX64.EFI "
        "::/EFI/BOOT/BOOTX64.EFI",
    ]


def test_arm_machines_have_a_loader_of_their_own():
    ctx, told = deployed(make_plan(ROOT, bootmode=BootMode.EFI, arch="aarch64"))
    InstallGrubEfi().do(ctx)
    assert "--format=arm64-efi" in told.commands[2]
    assert told.commands[4].endswith("::/EFI/BOOT/BOOTAA64.EFI")


def test_the_early_configuration_finds_boot_by_its_uuid():
    assert early_configuration("1234") == (
        "search --no-floppy --fs-uuid --set=root 1234\n"
        "set prefix=($root)/grub\n"
        "configfile ($root)/grub/grub.cfg\n"
    )


def test_a_machine_under_uefi_gets_a_boot_entry():
    ctx, told = deployed(make_plan(), Machine(MACHINE.disks, efi=True))
    RegisterBootEntry().do(ctx)
    assert told.commands == [
        "efibootmgr --quiet --create --disk /dev/vda --part 2 --label Photon "
        "--loader '\\EFI\\BOOT\\BOOTX64.EFI'",
    ]


def test_a_machine_under_bios_has_no_boot_entries():
    ctx, told = deployed(make_plan())
    RegisterBootEntry().do(ctx)
    assert told.lines == []
