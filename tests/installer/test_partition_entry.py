"""A partition's form, and the keys it stands for."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.partition_entry import (
    NEW,
    PartitionEntry,
    judgeable,
    read_subvolumes,
    subvolumes_text,
)
from installer.rules import Broken

ROWS = st.fixed_dictionaries(
    {},
    optional={
        "mountpoint": st.sampled_from(["/", "/var", "/boot/efi"]),
        "size": st.integers(0, 10000),
        "filesystem": st.sampled_from(["ext4", "xfs", "btrfs"]),
        "disk_id": st.sampled_from(["default", "disk2"]),
        "label": st.text("abc"),
        "partlabel": st.text("abc"),
        "fs_options": st.just(["noatime", "nodev"]) | st.just("noatime"),
        "mkfs_options": st.just("-O x"),
        "lvm": st.just({"vg_name": "vg", "lv_name": "root"}),
    },
)
NAMES = st.from_regex(r"[a-z@]{1,3}", fullmatch=True)
POINTS = st.just("") | st.from_regex(r"/[a-z]{1,4}", fullmatch=True)


def _subvolume(below):
    return st.builds(
        lambda name, point, inside: {
            "name": name,
            **({"mountpoint": point} if point else {}),
            **({"subvols": inside} if inside else {}),
        },
        NAMES,
        POINTS,
        below,
    )


def _siblings(one):
    return st.lists(one, max_size=3, unique_by=lambda keys: keys["name"])


TREES = _siblings(_subvolume(_siblings(_subvolume(st.just([])))))


def entry(row=NEW, **changes):
    return replace(PartitionEntry.of(row), **changes)


def test_a_new_partition_needs_its_size():
    _, (remark,) = entry().put_into(NEW)
    assert (remark.path, remark.message[:14]) == (("size",), "must be a size")


def test_what_was_filled_in_is_in_the_keys():
    filled = entry(
        mountpoint="/var",
        size="50%",
        filesystem="xfs",
        disk="disk2",
        label="v",
        options="nodev",
        volume_group="vg",
        logical_volume="var",
    )
    assert filled.put_into(NEW) == (
        {
            "mountpoint": "/var",
            "sizepercent": 50,
            "filesystem": "xfs",
            "disk_id": "disk2",
            "label": "v",
            "fs_options": "nodev",
            "lvm": {"vg_name": "vg", "lv_name": "var"},
        },
        (),
    )


def test_another_size_takes_the_place_of_a_percentage():
    row = {"mountpoint": "/", "sizepercent": 50}
    keys, remarks = entry(row, size="rest").put_into(row)
    assert (keys, remarks) == ({"mountpoint": "/", "size": 0}, ())


def test_a_size_that_cannot_be_understood_leaves_the_former_one():
    row = {"mountpoint": "/", "size": 512}
    keys, (remark,) = entry(row, size="large").put_into(row)
    assert keys == row
    assert remark.path == ("size",)


def test_emptied_fields_are_not_in_the_keys():
    row = {
        "size": 0,
        "label": "l",
        "fs_options": "nodev",
        "lvm": {"vg_name": "vg", "lv_name": "x"},
        "mountpoint": "/",
    }
    keys, _ = entry(
        row, label="", options="", volume_group="", logical_volume="", mountpoint=""
    ).put_into(row)
    assert keys == {"size": 0}


def test_half_an_lvm_stays_for_the_rules_to_complain_of():
    keys, _ = entry(size="rest", volume_group="vg").put_into(NEW)
    assert keys["lvm"] == {"vg_name": "vg"}


def test_swap_has_no_mount_point_and_only_btrfs_has_subvolumes():
    row = {"mountpoint": "/x", "size": 1, "filesystem": "btrfs", "btrfs": {"subvols": []}}
    keys, _ = entry(row, filesystem="swap").put_into(row)
    assert keys == {"size": 1, "filesystem": "swap"}


def test_subvolumes_keep_the_label_beside_them():
    row = {"size": 0, "filesystem": "btrfs", "btrfs": {"label": "b"}}
    keys, _ = entry(row, subvolumes="root=/").put_into(row)
    assert keys["btrfs"] == {"label": "b", "subvols": [{"name": "root", "mountpoint": "/"}]}


def test_subvolumes_that_cannot_be_understood_are_said():
    row = {"size": 0, "filesystem": "btrfs"}
    _, (remark,) = entry(row, subvolumes="=/x").put_into(row)
    assert remark.path == ("btrfs",)


def test_the_usual_file_system_of_the_esp_is_vfat():
    assert PartitionEntry.of({"mountpoint": "/boot/efi"}).filesystem == "vfat"


@given(ROWS)
def test_a_form_that_was_not_touched_changes_nothing(row):
    keys, _ = PartitionEntry.of(row).put_into(row)
    assert keys == row


@pytest.mark.parametrize(
    "row",
    [{"size": "x", "label": 5, "btrfs": 5, "lvm": [], "fs_options": 1}, {"btrfs": {"subvols": 5}}],
)
def test_nonsense_is_an_empty_form(row):
    found = PartitionEntry.of(row)
    assert (found.size, found.label, found.subvolumes, found.options) == ("", "", "", "")


def test_subvolumes_are_a_list_of_names_and_places():
    assert read_subvolumes("root=/, var = /var , var/log=/var/log,spare,") == [
        {"name": "root", "mountpoint": "/"},
        {
            "name": "var",
            "mountpoint": "/var",
            "subvols": [{"name": "log", "mountpoint": "/var/log"}],
        },
        {"name": "spare"},
    ]


def test_a_subvolume_inside_one_that_is_not_named_makes_it():
    assert read_subvolumes("a/b=/b") == [
        {"name": "a", "subvols": [{"name": "b", "mountpoint": "/b"}]}
    ]


@pytest.mark.parametrize("text", ["=/x", "/a=/x", "a//b", "a, a", "a/b, a"])
def test_subvolumes_without_a_name_or_named_twice_are_refused(text):
    assert isinstance(read_subvolumes(text), Broken)


@given(TREES)
def test_subvolumes_are_read_as_they_are_shown(tree):
    assert read_subvolumes(subvolumes_text(tree)) == tree


@given(st.text("ab/=, "))
def test_any_text_is_subvolumes_or_is_refused(text):
    found = read_subvolumes(text)
    assert isinstance(found, Broken) or read_subvolumes(subvolumes_text(found)) == found


def test_the_rest_of_a_form_can_be_judged_before_its_size_is_known():
    assert "size" in judgeable({"mountpoint": "/usr"})
    assert judgeable({"sizepercent": 5}) == {"sizepercent": 5}
