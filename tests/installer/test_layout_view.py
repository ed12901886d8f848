"""What partitions come to on the disks of a machine."""

from pathlib import Path

import pytest

from installer.draft import Draft
from installer.kickstart.draft_storage import DraftStorage, read_draft_storage
from installer.layout_view import Share, view_layout
from installer.plan import Disk, LogicalVolume, Partition, Storage
from installer.probe import BlockDevice, Machine
from installer.storage.geometry import MIB

GIB = 1024 * MIB
MACHINE = Machine(
    (BlockDevice("/dev/vda", "disk", 40 * GIB), BlockDevice("/dev/vdb", "disk", 8 * GIB))
)
TWO = {"default": {"device": "/dev/vda"}, "disk2": {"device": "/dev/vdb"}}


def view(*partitions, machine=MACHINE, **keys):
    values = {"partitions": list(partitions)} if partitions else {}
    disk = {} if "disks" in keys else {"disk": "/dev/vda"}
    draft = Draft({**disk, **values, **keys})
    return view_layout(draft, read_draft_storage(draft, "x86_64"), machine)


def points(found):
    return [row.cells[1] for row in found.rows]


def test_the_automatic_layout_is_shown_in_full():
    (disk,) = view().disks
    assert disk.title == "/dev/vda, 40.0 GiB"
    assert [row.cells for row in disk.rows] == [
        ("1", "(BIOS boot)", "4 MiB", "4 MB", "-", "-"),
        ("2", "/boot/efi", "128 MiB", "128 MB", "vfat", "-"),
        ("3", "/boot", "512 MiB", "512 MB", "ext4", "-"),
        ("4", "/", "39.4 GiB", "rest", "ext4", "-"),
    ]
    assert [share.label for share in disk.shares] == ["BIOS boot", "/boot/efi", "/boot", "/"]


def test_rows_know_their_place_in_the_draft():
    found = view(
        {"mountpoint": "/", "size": 0},
        {"filesystem": "swap", "size": 1024},
        {"filesystem": "swap", "size": 1024},
        {"mountpoint": "/boot", "size": 600},
    )
    assert [row.index for row in found.rows] == [None, None, 3, 1, 2, 0]


def test_added_ones_can_be_the_beginning_of_own_ones_but_for_the_one_without_a_file_system():
    bios, esp, boot, _ = view().rows
    assert bios.keys == {}
    assert esp.keys == {"mountpoint": "/boot/efi", "filesystem": "vfat", "size": 128}
    assert boot.keys == {"mountpoint": "/boot", "filesystem": "ext4", "size": 512}


def test_room_that_is_left_is_free():
    (disk,) = view({"mountpoint": "/", "size": 10240}).disks
    assert disk.shares[-1].label == ""
    assert sum(share.size for share in disk.shares) == 40 * GIB


def test_a_mistake_is_said_in_its_row_and_nowhere_else():
    found = view({"mountpoint": "/", "size": 0}, {"mountpoint": "/usr", "size": 512})
    assert [row.problems for row in found.rows] == [
        (),
        ("/usr belongs to the tree, nothing can be mounted there",),
    ]
    assert [each.path for each in found.of_row(1)] == [("mountpoint",)]
    assert found.general == ()
    assert found.disks[0].shares == ()


def test_what_belongs_to_no_row_is_said_apart():
    found = view({"mountpoint": "/var", "size": 512})
    assert found.general == (
        'there is no partition for / (add a partition with "mountpoint": "/" and "size": 0)',
    )


def test_a_value_of_the_wrong_kind_is_a_mistake_of_its_row():
    found = view({"mountpoint": "/", "size": "x"}, {"mountpoint": "/var", "size": 512})
    assert found.of_row(0)[0].path == ("size",)
    assert found.rows[0].cells[3] == "?"


def test_a_note_does_not_keep_anybody_from_going_on():
    found = view({"mountpoint": "/", "size": 0}, {"mountpoint": "/home", "size": 512})
    home = next(row for row in found.rows if row.index == 1)
    assert home.notes == ("/home is a link in a tree, /var/home is mounted instead",)
    assert found.problems == ()


def test_subvolumes_are_shown_where_they_are_mounted():
    found = view(
        {
            "size": 0,
            "filesystem": "btrfs",
            "btrfs": {
                "subvols": [
                    {"name": "root", "mountpoint": "/"},
                    {"name": "home", "mountpoint": "/home"},
                ]
            },
        },
        {"mountpoint": "/boot", "size": 512},
    )
    wrong = [each.message for each in found.problems]
    assert wrong == ["there is no partition for /"]


def test_partitions_too_large_for_the_disk_are_told_with_the_sizes():
    found = view({"mountpoint": "/", "size": 50000})
    (problem,) = found.problems
    assert problem.message.startswith("/dev/vda: is too small: ")
    assert found.general == (str(problem),)
    assert found.disks[0].shares == ()


def test_while_the_machine_is_not_known_there_are_rows_without_sizes():
    found = view(machine=None)
    assert points(found) == ["(BIOS boot)", "/boot/efi", "/boot", "/"]
    assert {row.cells[2] for row in found.rows} == {"-"}
    assert found.problems == ()


def test_a_disk_that_is_not_there_is_said():
    found = view(machine=Machine())
    assert found.general == ("There is no disk /dev/vda.",)


def test_an_image_needs_no_machine():
    image = {"default": {"filename": "disk.img", "size": 4096}}
    (disk,) = view(machine=None, disks=image).disks
    assert disk.title == "disk.img, 4096 MiB"
    assert len(disk.shares) == 4


def test_every_disk_has_its_rows():
    found = view(
        {"mountpoint": "/", "size": 0},
        {"mountpoint": "/var", "sizepercent": 50, "disk_id": "disk2"},
        disks=TWO,
    )
    first, second = found.disks
    assert [row.cells[1] for row in second.rows] == ["/var"]
    assert second.shares == (Share("/var", 4095 * MIB, 1), Share("", 4097 * MIB))
    assert len(first.rows) == 4


def test_a_disk_that_gets_nothing_is_noted():
    found = view(disks=TWO)
    assert found.notes == ('disk "disk2" has no partitions, it is left alone',)
    assert found.disks[1].shares == (Share("", 8 * GIB),)


def test_what_is_wrong_on_a_disk_is_shown_below_its_name():
    found = view(
        {"mountpoint": "/", "size": 5},
        {"mountpoint": "/var", "size": 512, "disk_id": "disk2"},
        {"filesystem": "swap", "size": 512, "disk_id": "other"},
        disks=TWO,
    )
    assert [disk.title for disk in found.disks] == ["/dev/vda", "/dev/vdb", 'disk "other"']
    assert found.rows[2].problems == ('there is no disk "other", only default, disk2',)


@pytest.mark.parametrize("partitions", [5, [5], ["x"], [{"nonsense": 1}]])
def test_nonsense_of_given_answers_is_a_mistake_and_no_accident(partitions):
    draft = Draft({"disk": "/dev/vda", "partitions": partitions})
    assert view_layout(draft, read_draft_storage(draft, "x86_64"), MACHINE).problems


def test_logical_volumes_are_shown_in_the_partition_that_holds_them():
    lvm = {"vg_name": "vg0", "lv_name": "root"}
    draft = Draft(
        {
            "disk": "/dev/vda",
            "partitions": [
                {"filesystem": "swap", "size": 2048, "lvm": {**lvm, "lv_name": "swap"}},
                {"mountpoint": "/", "size": 0, "lvm": lvm},
            ],
        }
    )
    partitions = (
        Partition("default", "boot", "ext4", "/boot", size_mb=512),
        Partition("default", "swap", "swap", size_mb=2048, lvm=LogicalVolume("vg0", "swap")),
        Partition("default", "root", "ext4", "/", lvm=LogicalVolume("vg0", "root")),
    )
    storage = Storage((Disk("default", Path("/dev/vda")),), partitions)
    (disk,) = view_layout(draft, DraftStorage(storage), MACHINE).disks
    assert [(row.index, row.cells[0], row.cells[2], row.cells[4]) for row in disk.rows] == [
        (None, "1", "512 MiB", "ext4"),
        (0, "2", "2048 MiB", "swap vg0/swap"),
        (1, "2", "37.5 GiB", "ext4 vg0/root"),
    ]
    assert [share.number for share in disk.shares] == [1, 2, 2]


def test_names_of_lvm_are_shown_before_all_is_right():
    found = view({"mountpoint": "/usr", "size": 512, "lvm": {"vg_name": "vg0"}})
    assert found.rows[0].cells[4] == "ext4 vg0/"
