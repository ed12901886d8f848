"""Disks that are not written, each with what holds it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import PlanError
from installer.plan import Disk, LogicalVolume, Partition
from installer.probe import BlockDevice, Machine, machine_from
from installer.steps.check_target import CheckTarget
from installer.storage.geometry import MIB
from installer.storage.refusals import refusals
from tests.installer.plans import ROOT, dry_context, make_plan

RECORDING = Path(__file__).parent.parent / "machines/busy.json"


@pytest.fixture(scope="module")
def busy():
    return machine_from(json.loads(RECORDING.read_text()))


def reasons(plan, machine):
    return [f"{problem.where}: {problem.message}" for problem in refusals(plan, machine)]


def on(device, url="https://example.test/repo"):
    return make_plan(disk=Disk("default", device=Path(device)), url=url)


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (
            "/dev/sda",
            [
                "/dev/sda: /dev/sda1 is mounted at /boot/efi",
                "/dev/sda: /dev/sda2 is mounted at /",
                "/dev/sda: /dev/sda2 is mounted at /var/lib/containers",
                "/dev/sda: /dev/sda3 is used as swap",
            ],
        ),
        (
            "/dev/sdb",
            [
                "/dev/sdb: /dev/sdb1 belongs to the LVM volume group data",
                "/dev/sdb: /dev/mapper/data-home is mounted at /home",
            ],
        ),
        ("/dev/sdc", ["/dev/sdc: is used by /dev/md0 (raid1)"]),
        ("/dev/sdd", ["/dev/sdd: is a member of a RAID array (host:1)"]),
        ("/dev/sde", ["/dev/sde: is used by /dev/mapper/mpatha (mpath)"]),
        ("/dev/sdf", ["/dev/sdf: is mounted at /run/media/photon"]),
        ("/dev/sdg", ["/dev/sdg: is read-only"]),
        ("/dev/sdh", ["/dev/sdh: is too small: 1674 MiB are needed, 1024 MiB are there"]),
        (
            "/dev/sdi",
            ["/dev/sdi: is in use by the kernel or another program (a mount in a container?)"],
        ),
        ("/dev/sdj", ["/dev/sdj: belongs to the LVM volume group backup"]),
        ("/dev/sdk", ["/dev/sdk: is used as swap"]),
        ("/dev/sr0", ["/dev/sr0: is not a whole disk, but of type rom"]),
        ("/dev/sda2", ["/dev/sda2: is not a whole disk, but of type part"]),
        ("/dev/sdz", ["/dev/sdz: there is no such disk"]),
        ("/dev/nvme0n1", []),
    ],
)
def test_a_disk_in_use_is_refused_with_what_holds_it(busy, device, expected):
    assert reasons(on(device), busy) == expected


def test_the_medium_of_the_installation_is_named_as_such(busy):
    plan = on("/dev/sdf", url="file:///run/media/photon/repo")
    assert "/dev/sdf: is the medium that the tree is installed from" in reasons(plan, busy)


def test_a_stable_name_is_shown_with_its_device(busy):
    plan = on("/dev/disk/by-path/pci-0000:00:1f.2-ata-1")
    where = refusals(plan, busy)[0].where
    assert where == "/dev/disk/by-path/pci-0000:00:1f.2-ata-1 (/dev/sda)"


def test_a_missing_disk_is_answered_with_those_that_are_there(busy):
    (problem,) = refusals(on("/dev/sdz"), busy)
    assert "/dev/nvme0n1 (500 GiB)" in problem.hint
    assert "sr0" not in problem.hint


def test_a_partition_is_answered_with_its_disk(busy):
    (problem,) = refusals(on("/dev/sda2"), busy)
    assert problem.hint == "name the disk, /dev/sda"


def test_one_disk_under_two_names_is_refused(busy):
    plan = on("/dev/nvme0n1")
    again = Disk("more", device=Path("/dev/disk/by-id/nvme-Fast_N7"))
    storage = replace(plan.storage, disks=(*plan.storage.disks, again))
    found = reasons(replace(plan, storage=storage), busy)
    assert found == [
        "/dev/nvme0n1: is named more than once in the plan",
        "/dev/disk/by-id/nvme-Fast_N7: is named more than once in the plan",
    ]


def test_everything_wrong_with_every_disk_is_reported_at_once(busy):
    plan = on("/dev/sda")
    disks = (*plan.storage.disks, Disk("b", Path("/dev/sdg")), Disk("c", Path("/dev/sdz")))
    found = refusals(replace(plan, storage=replace(plan.storage, disks=disks)), busy)
    assert [problem.where for problem in found] == ["/dev/sda"] * 4 + ["/dev/sdg", "/dev/sdz"]


def test_the_step_refuses_before_anything_is_done(busy):
    ctx, told = dry_context(on("/dev/sda"), busy)
    with pytest.raises(PlanError, match="nothing was written") as caught:
        CheckTarget().do(ctx)
    assert len(caught.value.problems) == 4
    assert told.lines == []


def test_a_medium_in_a_tar_file_is_named_too(busy):
    plan = on("/dev/sdf", url="")
    archive = Path("/run/media/photon/ostree-repo.tar.gz")
    plan = replace(plan, source=replace(plan.source, archive=archive))
    assert "/dev/sdf: is the medium that the tree is installed from" in reasons(plan, busy)


def test_a_program_that_is_missing_is_noticed_before_anything_is_done():
    ctx, told = dry_context(make_plan(Partition("default", "root", "xfs", "/")))
    doors = replace(ctx.doors, is_installed=lambda name: name not in ("mkfs.xfs", "mcopy"))
    with pytest.raises(PlanError) as caught:
        CheckTarget().do(replace(ctx, doors=doors))
    assert [problem.where for problem in caught.value.problems] == ["mcopy", "mkfs.xfs"]
    assert told.lines == []


def test_a_volume_too_small_for_its_file_system_is_refused():
    small = Partition("default", "data", "btrfs", "/var/lib", size_mb=64)
    machine = Machine((BlockDevice("/dev/vda", "disk", 8192 * MIB),))
    assert reasons(make_plan(small, ROOT), machine) == [
        "/dev/vda: btrfs for /var/lib needs 114 MiB, it gets 64 MiB"
    ]


def test_a_mount_point_that_a_tree_cannot_have_is_refused():
    data = Partition("default", "data", "ext4", "/data", size_mb=64)
    machine = Machine((BlockDevice("/dev/vda", "disk", 8192 * MIB),))
    assert reasons(make_plan(data, ROOT), machine) == [
        "/data: nothing can be mounted here on a tree"
    ]


def test_an_image_that_is_attached_already_is_refused(tmp_path):
    image = tmp_path / "disk.img"
    loop = BlockDevice("/dev/loop3", "loop", 8192 * MIB, backing_file=f"{image}.part")
    plan = make_plan(disk=Disk("default", image=image, size_mb=4096))
    assert reasons(plan, Machine((loop,))) == [f"{image}: is attached to /dev/loop3"]


def test_an_image_too_small_for_its_partitions_is_refused(tmp_path):
    plan = make_plan(disk=Disk("default", image=tmp_path / "disk.img", size_mb=512))
    (reason,) = reasons(plan, Machine())
    assert reason.endswith("is too small: 1674 MiB are needed, 512 MiB are there")


def test_a_directory_in_the_place_of_an_image_is_refused(tmp_path):
    plan = make_plan(disk=Disk("default", image=tmp_path, size_mb=4096))
    assert reasons(plan, Machine()) == [f"{tmp_path}: is not a regular file"]


def lvm_machine(*children, path="/dev/vda", group="vg0"):
    physical = BlockDevice(
        f"{path}1", "part", 8000 * MIB, filesystem="LVM2_member", volume_group=group,
        children=children,
    )  # fmt: skip
    other = "/dev/vdb" if path == "/dev/vda" else "/dev/vda"
    disk = BlockDevice(path, "disk", 8192 * MIB, children=(physical,))
    return Machine((disk, BlockDevice(other, "disk", 8192 * MIB)))


LVM_PLAN = make_plan(replace(ROOT, lvm=LogicalVolume("vg0", "root")))


def test_a_group_of_the_same_name_on_another_disk_is_refused():
    assert reasons(LVM_PLAN, lvm_machine(path="/dev/vdb")) == [
        "vg0: there is a volume group of this name already, on /dev/vdb1"
    ]


def test_what_a_failed_try_left_is_written_over():
    assert reasons(LVM_PLAN, lvm_machine()) == []


def test_an_active_group_of_the_same_name_is_in_use():
    active = BlockDevice("/dev/mapper/vg0-root", "lvm", 4096 * MIB)
    assert reasons(LVM_PLAN, lvm_machine(active)) == [
        "/dev/vda: /dev/vda1 belongs to the LVM volume group vg0"
    ]


def test_another_group_on_the_disk_is_not_written_over():
    assert reasons(LVM_PLAN, lvm_machine(group="vg1")) == [
        "/dev/vda: /dev/vda1 belongs to the LVM volume group vg1"
    ]
    assert reasons(make_plan(), lvm_machine()) == [
        "/dev/vda: /dev/vda1 belongs to the LVM volume group vg0"
    ]


def test_a_logical_volume_too_small_for_its_file_system_is_refused():
    lvm = LogicalVolume("vg0", "data")
    small = Partition("default", "data", "btrfs", "/var/lib", size_mb=64, lvm=lvm)
    machine = Machine((BlockDevice("/dev/vda", "disk", 8192 * MIB),))
    assert reasons(make_plan(small, ROOT), machine) == [
        "/dev/vda: btrfs for /var/lib needs 114 MiB, it gets 64 MiB"
    ]
