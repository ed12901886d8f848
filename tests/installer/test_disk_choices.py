"""The disks of a machine as somebody chooses among them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.disk_choices import (
    GONE,
    Survey,
    chosen_disks,
    content_text,
    disk_choices,
    source_path,
    with_disks,
)
from installer.draft import Draft
from installer.kickstart.draft_storage import least_storage
from installer.probe import BlockDevice, Machine, machine_from
from installer.storage.geometry import MIB

MACHINES = Path(__file__).parent / "machines"
MEDIUM = Path("/run/media/photon")
LEAST = least_storage(Draft(), "x86_64", fixed=False)
PATHS = st.lists(st.sampled_from([f"/dev/vd{letter}" for letter in "abcde"]), unique=True)


def recorded(name):
    return machine_from(json.loads((MACHINES / f"{name}.json").read_text()))


@pytest.fixture(scope="module")
def vm():
    return recorded("vm")


@pytest.fixture(scope="module")
def busy():
    return {choice.path: choice for choice in disk_choices(recorded("busy"), LEAST, MEDIUM)}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/dev/sda", "/dev/sda1 is mounted at /boot/efi; /dev/sda2 is mounted at /; and 2 more"),
        (
            "/dev/sdb",
            "/dev/sdb1 belongs to the LVM volume group data; "
            "/dev/mapper/data-home is mounted at /home",
        ),
        ("/dev/sdc", "it is used by /dev/md0 (raid1)"),
        ("/dev/sdd", "it is a member of a RAID array (host:1)"),
        (
            "/dev/sdf",
            "it is the medium that the tree is installed from; it is mounted at /run/media/photon",
        ),
        ("/dev/sdg", "it is read-only"),
        ("/dev/sdh", "it is too small: 1674 MiB are needed, 1024 MiB are there"),
        ("/dev/sdk", "it is used as swap"),
        ("/dev/nvme0n1", ""),
    ],
)
def test_a_disk_that_cannot_be_used_says_why(busy, path, reason):
    assert busy[path].refused == reason


def test_those_that_can_be_used_come_first(busy):
    assert next(iter(busy)) == "/dev/nvme0n1"


def test_a_disk_is_shown_with_its_size_model_and_bus(busy):
    assert busy["/dev/sda"].title == "/dev/sda  100.0 GiB  QEMU HARDDISK (sata)"
    assert busy["/dev/sdc"].title == "/dev/sdc  50.0 GiB"


def test_what_is_on_a_disk_is_told_in_a_few_words(busy):
    expected = "gpt table: sda1 vfat ESP 512 MiB, sda2 ext4 root 90.0 GiB, sda3 swap 9216 MiB"
    assert busy["/dev/sda"].contents == expected
    assert busy["/dev/sdf"].contents == "iso9660 PHOTON"
    assert busy["/dev/sdg"].contents == "empty"


def test_of_many_partitions_the_first_ones_are_named():
    parts = tuple(BlockDevice(f"/dev/vda{n}", "part", MIB) for n in range(1, 8))
    disk = BlockDevice("/dev/vda", "disk", 8 * MIB, table="dos", children=parts)
    assert content_text(disk) == (
        "dos table: vda1 unknown 1 MiB, vda2 unknown 1 MiB, vda3 unknown 1 MiB, and 4 more"
    )


def test_a_table_without_partitions_is_told():
    assert content_text(BlockDevice("/dev/vda", "disk", MIB, table="gpt")) == (
        "gpt table, no partitions"
    )


def test_memory_loops_and_drives_without_a_disk_are_not_offered(vm):
    offered = [choice.path for choice in disk_choices(vm, LEAST)]
    assert offered == ["/dev/vda", "/dev/vdb", "/dev/vdc", "/dev/sda"]


def test_a_small_disk_may_be_one_of_several(vm):
    survey = Survey(vm, LEAST)
    small = {choice.path: choice.refused for choice in survey.choices(several=True)}
    assert small["/dev/vdc"] == ""


def test_a_layout_that_is_given_decides_what_is_too_small(vm):
    draft = Draft({"partitions": [{"mountpoint": "/", "size": 30000}]})
    fixed = least_storage(draft, "x86_64", fixed=True)
    refused = {choice.path: choice.refused for choice in disk_choices(vm, fixed)}
    assert refused["/dev/vda"] == ""
    assert refused["/dev/vdb"].startswith("it is too small: 30")
    asked = least_storage(draft, "x86_64", fixed=False)
    assert asked == LEAST


def test_a_layout_that_is_given_and_wrong_does_not_hide_the_disks(vm):
    wrong = least_storage(Draft({"partitions": [{"size": "much"}]}), "x86_64", fixed=True)
    assert wrong == LEAST


def test_a_chosen_disk_that_is_gone_is_still_listed(vm):
    last = Survey(vm, LEAST).choices(["/dev/vda", "/dev/vdz"])[-1]
    assert (last.path, last.refused) == ("/dev/vdz", GONE)


def test_only_a_tree_from_a_medium_has_a_place():
    assert source_path(Draft({"ostree": {"default_repo": True}}), MEDIUM) == MEDIUM
    assert source_path(Draft({"ostree": {"path": "/mnt/r"}}), MEDIUM) == Path("/mnt/r")
    assert source_path(Draft({"ostree": {"repo_url": "https://h/r"}}), MEDIUM) is None


def test_one_disk_is_the_disk_and_several_have_ids(vm):
    one = with_disks(Draft(), ["/dev/vda"], vm)
    assert one.keys == {"disk": "/dev/vda"}
    two = with_disks(one, ["/dev/vda", "/dev/vdb"], vm)
    assert two.keys == {
        "disks": {"default": {"device": "/dev/vda"}, "disk2": {"device": "/dev/vdb"}}
    }
    assert with_disks(two, ["/dev/vda"], vm) == one


def test_disks_that_stay_keep_their_ids_and_names(vm):
    name = "/dev/disk/by-path/pci-0000:00:04.0"
    draft = Draft({"disks": {"default": {"device": name}, "data": {"device": "/dev/vdb"}}})
    assert chosen_disks(draft, vm) == ("/dev/vda", "/dev/vdb")
    more = with_disks(draft, ["/dev/vda", "/dev/vdb", "/dev/vdc"], vm)
    assert more.get("disks") == {
        "default": {"device": name},
        "data": {"device": "/dev/vdb"},
        "disk2": {"device": "/dev/vdc"},
    }
    assert with_disks(draft, ["/dev/vdb"], vm).keys == {"disk": "/dev/vdb"}


def test_images_of_given_answers_stay_when_nothing_else_is_chosen(vm):
    draft = Draft({"disks": {"default": {"filename": "a.img", "size": 4096}}})
    assert with_disks(draft, [], vm) == draft
    assert with_disks(draft, ["/dev/vda"], vm).keys == {"disk": "/dev/vda"}


def test_nothing_chosen_is_no_disk(vm):
    assert with_disks(Draft({"disk": "/dev/vda"}), [], vm).keys == {}


def test_nonsense_in_given_answers_is_no_disk(vm):
    for keys in ({"disk": 5}, {"disks": 5}, {"disks": {"default": 5}}, {"disks": {"a": {}}}):
        assert chosen_disks(Draft(keys), vm) == ()


@given(PATHS, PATHS.filter(bool))
def test_however_one_changes_their_mind_the_chosen_disks_are_those_of_the_draft(first, then):
    machine = Machine()
    draft = with_disks(with_disks(Draft(), first, machine), then, machine)
    assert set(chosen_disks(draft, machine)) == set(then)
    assert ("disk" in draft.keys) == (len(then) == 1)
    assert "disks" not in draft.keys or "default" in draft.keys["disks"]


def test_what_holds_a_disk_is_looked_at_anew(vm):
    freed = replace(
        vm, disks=tuple(replace(disk, mountpoints=(), claimed=False) for disk in vm.disks)
    )
    refused = {choice.path: choice.refused for choice in disk_choices(freed, LEAST, MEDIUM)}
    assert refused["/dev/sda"] == ""
