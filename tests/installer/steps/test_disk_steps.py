"""Exact commands of the steps that make the disk."""

from pathlib import Path

import pytest

from installer.plan import BootMode, Disk, Partition, Subvolume, TableType
from installer.probe import BlockDevice, Machine
from installer.steps.check_target import CheckTarget
from installer.steps.create_images import CreateImages, PublishImages
from installer.steps.finish import Finish
from installer.steps.format_volumes import FormatVolumes
from installer.steps.mount_target import MountData, MountTarget
from installer.steps.partition_disks import PartitionDisks
from installer.storage.geometry import MIB
from tests.installer.plans import MACHINE, ROOT, dry_context, formatted, lines_of, make_plan

IMAGE = Disk("default", image=Path("/images/disk.img"), size_mb=4096, sector_size=4096)
MNT = "/run/photree/install/sysroot"
STATEROOT = f"{MNT}/ostree/deploy/photon"


def after_check(plan, machine=MACHINE):
    ctx, told = dry_context(plan, machine)
    CheckTarget().do(ctx)
    return ctx, told


def data(mountpoint, filesystem="ext4", **more):
    return Partition("default", "data", filesystem, mountpoint, size_mb=400, **more)


def test_an_image_is_made_attached_and_detached():
    ctx, told = after_check(make_plan(disk=IMAGE))
    assert lines_of(CreateImages(), ctx, told) == [
        "- make the sparse image /images/disk.img of 4096 MiB and attach it as /dev/loop0 "
        "with 4096-byte sectors"
    ]
    assert ctx.target.devices == {"default": "/dev/loop0"}
    CreateImages().undo(ctx)
    CreateImages().undo(ctx)
    assert told.lines[1:] == ["- detach /dev/loop0"]


def test_a_finished_image_gets_its_name():
    ctx, told = after_check(make_plan(disk=IMAGE))
    assert lines_of(PublishImages(), ctx, told) == [
        "- give the finished image its name /images/disk.img"
    ]


def test_partitioning_a_disk_for_both_firmwares():
    ctx, told = after_check(make_plan())
    assert lines_of(PartitionDisks(), ctx, told) == [
        "$ wipefs --all /dev/vda",
        "- write a new gpt partition table on /dev/vda",
        "    1: sectors 2048 to 10239, bios",
        "    2: sectors 10240 to 272383, efi",
        "    3: sectors 272384 to 1320959, boot",
        "    4: sectors 1320960 to 16775167, root",
        "$ partx --update /dev/vda",
        "- wait until the kernel shows the 4 partitions of /dev/vda",
        "$ wipefs --all /dev/vda1 /dev/vda2 /dev/vda3 /dev/vda4",
    ]
    assert [volume.node for volume in ctx.target.volumes] == [f"/dev/vda{n}" for n in (1, 2, 3, 4)]


def test_old_signatures_are_wiped_while_their_partitions_are_known():
    old = tuple(BlockDevice(f"/dev/vda{n}", "part", MIB) for n in (1, 2))
    machine = Machine((BlockDevice("/dev/vda", "disk", 8192 * MIB, children=old),))
    ctx, told = after_check(make_plan(), machine)
    assert lines_of(PartitionDisks(), ctx, told)[0] == "$ wipefs --all /dev/vda1 /dev/vda2 /dev/vda"


def test_a_running_device_manager_is_waited_for():
    ctx, told = after_check(make_plan(), Machine(MACHINE.disks, udev=True))
    PartitionDisks().do(ctx)
    assert told.commands[2] == "udevadm settle --timeout=30"


def test_msdos_for_bios_has_neither_bios_boot_nor_esp():
    plan = make_plan(table=TableType.MSDOS, bootmode=BootMode.BIOS)
    ctx, _told = after_check(plan)
    PartitionDisks().do(ctx)
    assert [volume.partition.role for volume in ctx.target.volumes] == ["boot", "root"]


@pytest.mark.parametrize(
    ("partition", "command"),
    [
        (Partition("d", "root", "ext4"), "mkfs.ext4 -q -F"),
        (Partition("d", "root", "ext3", label="r"), "mkfs.ext3 -q -F -L r"),
        (Partition("d", "root", "xfs", label="r"), "mkfs.xfs -q -f -L r"),
        (Partition("d", "root", "btrfs", label="r"), "mkfs.btrfs -q -f -L r"),
        (Partition("d", "efi", "vfat", label="ESP"), "mkfs.vfat -n ESP"),
        (Partition("d", "swap", "swap", label="s"), "mkswap --force -L s"),
        (Partition("d", "root", "ext4", mkfs_options=("-N", "9")), "mkfs.ext4 -q -F -N 9"),
    ],
)
def test_how_a_file_system_is_made(partition, command):
    ctx, told = formatted(make_plan())
    volume = ctx.target.volumes[3]
    ctx.target.volumes[:] = [type(volume)(partition, "/dev/vda", 4, "/dev/vda4")]
    FormatVolumes().do(ctx)
    assert told.commands == [
        f"{command} /dev/vda4",
        "blkid --probe --match-tag UUID --output value /dev/vda4",
    ]
    assert ctx.target.volumes[0].uuid == "uuid-of-vda4"


def test_the_bios_boot_partition_is_not_formatted():
    ctx, told = formatted(make_plan())
    FormatVolumes().do(ctx)
    assert not [command for command in told.commands if command.endswith("/dev/vda1")]


def test_subvolumes_are_made_on_a_passing_mount():
    subvolumes = (Subvolume("root", "/"), Subvolume("var/home", "/var/home"))
    root = Partition("default", "root", "btrfs", "", subvolumes=subvolumes)
    ctx, told = formatted(make_plan())
    volume = ctx.target.volumes[3]
    ctx.target.volumes[:] = [type(volume)(root, "/dev/vda", 4, "/dev/vda4")]
    FormatVolumes().do(ctx)
    place = "/run/photree/install/btrfs"
    assert told.commands[2:] == [
        f"mkdir --parents {place}",
        f"mount /dev/vda4 {place}",
        f"btrfs subvolume create {place}/root",
        f"mkdir --parents {place}/var",
        f"btrfs subvolume create {place}/var/home",
        f"umount {place}",
    ]
    assert ctx.target.mounted == []


def test_root_and_boot_are_mounted_but_not_the_esp():
    ctx, told = formatted(make_plan())
    assert lines_of(MountTarget(), ctx, told) == [
        f"$ mkdir --parents {MNT}",
        f"$ mount /dev/vda4 {MNT}",
        f"$ mkdir --parents {MNT}/boot",
        f"$ mount /dev/vda3 {MNT}/boot",
    ]


def test_mounts_are_undone_in_reverse_order_and_only_once():
    ctx, told = formatted(make_plan())
    MountTarget().do(ctx)
    told.events.clear()
    MountTarget().undo(ctx)
    MountTarget().undo(ctx)
    assert told.commands == [f"umount {MNT}/boot", f"umount {MNT}"]


def test_options_and_subvolumes_are_used_for_mounting():
    subvolumes = (Subvolume("root", "/"), Subvolume("home", "/var/home"))
    root = Partition(
        "default", "root", "btrfs", "/", mount_options="compress=zstd", subvolumes=subvolumes
    )
    ctx, told = formatted(make_plan(root))
    MountTarget().do(ctx)
    MountData().do(ctx)
    assert [command for command in told.commands if command.startswith("mount")] == [
        f"mount --options compress=zstd,subvol=root /dev/vda4 {MNT}",
        f"mount /dev/vda3 {MNT}/boot",
        f"mount --options compress=zstd,subvol=home /dev/vda4 {STATEROOT}/var/home",
    ]


def test_data_is_mounted_in_the_stateroot_outer_directories_first():
    plan = make_plan(data("/var/log"), data("/var"), data("/var/log/audit", "xfs"), ROOT)
    ctx, told = formatted(plan)
    MountData().do(ctx)
    assert told.commands == [
        f"mkdir --parents {STATEROOT}/var",
        f"mount /dev/vda5 {STATEROOT}/var",
        f"mkdir --parents {STATEROOT}/var/lib {STATEROOT}/var/log",
        f"mkdir --parents --mode=1777 {STATEROOT}/var/tmp",
        f"mkdir --parents {STATEROOT}/var/log",
        f"mount /dev/vda4 {STATEROOT}/var/log",
        f"mkdir --parents {STATEROOT}/var/log/audit",
        f"mount /dev/vda6 {STATEROOT}/var/log/audit",
    ]


def test_vfat_is_never_mounted_by_the_installer():
    ctx, told = formatted(make_plan(data("/var/exchange", "vfat"), ROOT))
    MountData().do(ctx)
    assert told.commands == []


def test_finish_unmounts_everything_and_syncs_the_disks():
    ctx, told = formatted(make_plan())
    MountTarget().do(ctx)
    assert lines_of(Finish(), ctx, told) == [
        f"$ umount {MNT}/boot",
        f"$ umount {MNT}",
        "$ sync /dev/vda1 /dev/vda2 /dev/vda3 /dev/vda4 /dev/vda",
    ]
