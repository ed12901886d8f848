"""Exact commands of an installation on logical volumes."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.command import Output
from engine.errors import PlanError, StorageError
from installer.plan import Disk, LogicalVolume, Partition, Storage, TableType
from installer.probe import BlockDevice, Machine
from installer.runner import run_steps
from installer.sequence import installation_steps
from installer.steps.check_target import CheckTarget
from installer.steps.create_volume_groups import CreateVolumeGroups
from installer.steps.deploy_tree import DeployTree
from installer.steps.format_volumes import FormatVolumes
from installer.steps.mount_target import MountTarget
from installer.steps.partition_disks import PartitionDisks
from installer.steps.write_fstab import fstab
from installer.storage.geometry import MIB
from installer.storage.layout import complete_layout
from tests.installer.plans import dry_context, formatted, lines_of, make_plan

MNT = "/run/photree/install/sysroot"
UDEV = Machine(
    tuple(BlockDevice(f"/dev/{name}", "disk", 8192 * MIB) for name in ("vda", "vdb")), udev=True
)


def volume(name, mountpoint="", filesystem="ext4", disk="default", **more):
    role = {"/": "root", "": "swap"}.get(mountpoint, "data")
    lvm = LogicalVolume("vg0", name)
    return Partition(disk, role, filesystem, mountpoint, lvm=lvm, **more)


ROOT = volume("root", "/", size_mb=2049)
SWAP = volume("swap", filesystem="swap", size_mb=512)
VAR = volume("var", "/var", "xfs")
DATA = volume("data", "/var/srv", "xfs", "data", size_mb=1000)


def two_disks(*wanted):
    plan = make_plan()
    disks = (*plan.storage.disks, Disk("data", device=Path("/dev/vdb")))
    storage = Storage(disks, complete_layout(wanted), plan.storage.table, plan.storage.bootmode)
    return replace(plan, storage=storage)


def partitioned(plan, machine=UDEV):
    ctx, told = dry_context(plan, machine)
    CheckTarget().do(ctx)
    PartitionDisks().do(ctx)
    return ctx, told


def test_logical_volumes_of_a_group_share_one_partition():
    ctx, told = dry_context(make_plan(SWAP, ROOT), UDEV)
    CheckTarget().do(ctx)
    assert lines_of(PartitionDisks(), ctx, told)[1:6] == [
        "- write a new gpt partition table on /dev/vda",
        "    1: sectors 2048 to 10239, bios",
        "    2: sectors 10240 to 272383, efi",
        "    3: sectors 272384 to 1320959, boot",
        "    4: sectors 1320960 to 6574079, lvm",  # 1 + 512 + 2052 MiB
    ]


def test_a_group_is_made_with_its_volumes_the_rest_last():
    ctx, told = partitioned(make_plan(VAR, SWAP, ROOT))
    assert lines_of(CreateVolumeGroups(), ctx, told) == [
        "$ pvcreate --yes --dataalignment 1m /dev/vda4",
        "$ vgcreate --physicalextentsize 4m vg0 /dev/vda4",
        "$ lvcreate --yes --size 512m --name swap vg0 /dev/vda4",
        "$ lvcreate --yes --size 2052m --name root vg0 /dev/vda4",
        "$ lvcreate --yes --extents 100%PVS --name var vg0 /dev/vda4",
    ]
    made = [volume.node for volume in ctx.target.volumes[4:]]
    assert made == ["/dev/vg0/swap", "/dev/vg0/root", "/dev/vg0/var"]


def test_a_group_on_two_disks_keeps_each_volume_on_its_own():
    ctx, told = partitioned(two_disks(ROOT, DATA))
    assert lines_of(CreateVolumeGroups(), ctx, told) == [
        "$ pvcreate --yes --dataalignment 1m /dev/vda4",
        "$ pvcreate --yes --dataalignment 1m /dev/vdb1",
        "$ vgcreate --physicalextentsize 4m vg0 /dev/vda4 /dev/vdb1",
        "$ lvcreate --yes --size 2052m --name root vg0 /dev/vda4",
        "$ lvcreate --yes --size 1000m --name data vg0 /dev/vdb1",
    ]
    disks = {volume.node: volume.disk for volume in ctx.target.volumes}
    assert disks["/dev/vg0/root"] == "/dev/vda"
    assert disks["/dev/vg0/data"] == "/dev/vdb"


def test_two_groups_on_one_disk_have_two_partitions():
    other = replace(SWAP, lvm=LogicalVolume("vg1", "swap"))
    ctx, told = partitioned(make_plan(ROOT, other))
    CreateVolumeGroups().do(ctx)
    groups = [command for command in told.commands if command.startswith("vgcreate")]
    assert [command.split()[-2:] for command in groups] == [
        ["vg0", "/dev/vda4"],
        ["vg1", "/dev/vda5"],
    ]


def test_a_disks_own_alignment_is_where_the_volumes_begin():
    disk = BlockDevice("/dev/vda", "disk", 8192 * MIB, optimal_io=4 * MIB)
    _ctx, told = partitioned(make_plan(ROOT), Machine((disk,), udev=True))
    CreateVolumeGroups().do(_ctx)
    assert "pvcreate --yes --dataalignment 4m /dev/vda4" in told.commands


def test_without_a_device_manager_lvm_makes_the_nodes_itself():
    ctx, told = partitioned(make_plan(ROOT), Machine(UDEV.disks))
    told.events.clear()
    CreateVolumeGroups().do(ctx)
    CreateVolumeGroups().undo(ctx)
    assert all(command.startswith("DM_DISABLE_UDEV=1 ") for command in told.commands)


def test_groups_are_deactivated_once():
    ctx, told = partitioned(make_plan(ROOT))
    CreateVolumeGroups().do(ctx)
    told.events.clear()
    CreateVolumeGroups().undo(ctx)
    CreateVolumeGroups().undo(ctx)
    assert told.commands == ["vgchange --activate n vg0"]


class Answering:
    """Commands that all fail as vgchange does."""

    def __init__(self, stderr):
        self._output = Output("", stderr, 5)

    def run(self, argv, **_options):
        return self._output


def test_a_group_that_was_not_made_yet_needs_no_release():
    ctx, _told = partitioned(make_plan(ROOT))
    ctx.target.groups.append("vg0")
    cleanup = Answering('  Volume group "vg0" not found\n')
    CreateVolumeGroups().undo(replace(ctx, doors=replace(ctx.doors, cleanup=cleanup)))
    assert ctx.target.groups == []


def test_a_group_in_use_is_an_error_that_says_how_to_release_it():
    ctx, _told = partitioned(make_plan(ROOT))
    ctx.target.groups.append("vg0")
    cleanup = Answering("  Logical volume vg0/root in use.\n")
    with pytest.raises(StorageError, match="vg0 could not be deactivated") as caught:
        CreateVolumeGroups().undo(replace(ctx, doors=replace(ctx.doors, cleanup=cleanup)))
    assert "vgchange --activate n vg0" in caught.value.hint


def test_logical_volumes_are_formatted_and_their_partition_is_not():
    ctx, told = partitioned(make_plan(ROOT, SWAP))
    CreateVolumeGroups().do(ctx)
    told.events.clear()
    FormatVolumes().do(ctx)
    assert told.commands[4:] == [
        "mkfs.ext4 -q -F /dev/vg0/root",
        "blkid --probe --match-tag UUID --output value /dev/vg0/root",
        "mkswap --force /dev/vg0/swap",
        "blkid --probe --match-tag UUID --output value /dev/vg0/swap",
    ]


def test_root_on_a_logical_volume_is_mounted_by_its_node():
    ctx, told = formatted(make_plan(ROOT))
    MountTarget().do(ctx)
    assert f"mount /dev/vg0/root {MNT}" in told.commands
    assert f"mount /dev/vda3 {MNT}/boot" in told.commands


def test_the_initramfs_is_told_which_volume_to_activate():
    ctx, told = formatted(make_plan(ROOT))
    assert lines_of(DeployTree(), ctx, told)[1].startswith(
        "    root=UUID=UUID-of-root rd.lvm.lv=vg0/root rw "
    )


def test_data_alone_on_a_logical_volume_is_none_of_the_initramfs_business():
    ctx, told = formatted(make_plan(Partition("default", "root", "ext4", "/", 2048), VAR))
    assert "rd.lvm" not in lines_of(DeployTree(), ctx, told)[1]


def test_fstab_has_logical_volumes_by_uuid():
    ctx, _told = formatted(make_plan(ROOT, SWAP, VAR))
    lines = fstab(ctx.target.volumes).splitlines()[1:]
    assert "UUID=UUID-of-var /var xfs defaults 0 0" in lines
    assert "UUID=UUID-of-swap none swap defaults 0 0" in lines


def test_the_groups_are_released_after_the_mounts():
    plan = make_plan(ROOT)
    ctx, told = dry_context(plan, UDEV)
    run_steps(installation_steps(plan), ctx)
    assert told.commands.index(f"umount {MNT}") < told.commands.index("vgchange --activate n vg0")


def test_an_image_is_detached_after_its_group():
    plan = make_plan(ROOT, disk=Disk("default", image=Path("/i/disk.img"), size_mb=4096))
    ctx, told = dry_context(plan, UDEV)
    run_steps(installation_steps(plan), ctx)
    assert told.lines[-2:] == ["$ vgchange --activate n vg0", "- detach /dev/loop0"]


def test_msdos_counts_the_shared_partition_once():
    ctx, _told = partitioned(make_plan(ROOT, SWAP, VAR, table=TableType.MSDOS))
    assert [volume.partition.role for volume in ctx.target.volumes] == ["efi", "boot", "lvm"]


def test_what_lvm_needs_is_noticed_before_anything_is_done():
    ctx, told = dry_context(make_plan(ROOT), UDEV)
    doors = replace(ctx.doors, is_installed=lambda name: name not in ("lvcreate", "dmsetup"))
    with pytest.raises(PlanError) as caught:
        CheckTarget().do(replace(ctx, doors=doors))
    assert [problem.where for problem in caught.value.problems] == ["dmsetup", "lvcreate"]
    assert told.lines == []


def test_a_kernel_without_the_device_mapper_is_refused():
    ctx, _told = dry_context(make_plan(ROOT), UDEV)

    class WithoutDeviceMapper:
        def run(self, argv, **_options):
            return Output("Library version: 1.02.185\n", "", 1 if argv[0] == "dmsetup" else 0)

    with pytest.raises(PlanError) as caught:
        CheckTarget().do(replace(ctx, doors=replace(ctx.doors, commands=WithoutDeviceMapper())))
    [problem] = caught.value.problems
    assert "device mapper" in str(problem)


def test_without_lvm_nothing_is_asked_of_it():
    ctx, told = dry_context(make_plan(), UDEV)
    CheckTarget().do(ctx)
    assert told.lines == []
