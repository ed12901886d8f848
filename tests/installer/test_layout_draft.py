"""Automatic and own partitions, as they are in a draft."""

import pytest

from installer.draft import Draft
from installer.interview import Session
from installer.layout_draft import LayoutAnswers, disk_ids
from tests.tui.wizard.inquiries import RecordedInquiries

ROOT = {"mountpoint": "/", "size": 0, "filesystem": "ext4"}
HOME = {"mountpoint": "/home", "size": 512}


@pytest.mark.parametrize(
    ("partitions", "filesystem"),
    [
        (None, "ext4"),
        ([{"mountpoint": "/", "size": 0}], "ext4"),
        ([{**ROOT, "filesystem": "btrfs"}], "btrfs"),
    ],
)
def test_a_root_over_everything_is_the_automatic_layout(partitions, filesystem):
    draft = Draft({} if partitions is None else {"partitions": partitions})
    found = LayoutAnswers.of(draft)
    assert (found.automatic, found.filesystem) == (True, filesystem)


@pytest.mark.parametrize(
    "partitions",
    [[], [ROOT, HOME], [{**ROOT, "label": "x"}], [{**ROOT, "filesystem": "ext3"}], [5], 5],
)
def test_everything_else_is_own_partitions(partitions):
    assert not LayoutAnswers.of(Draft({"partitions": partitions})).automatic


def test_what_goes_without_saying_is_not_in_the_draft():
    draft = Draft({"partitions": [HOME], "partition_type": "msdos", "bootmode": "efi", "disk": "d"})
    assert LayoutAnswers().put_into(draft).keys == {"disk": "d"}


def test_what_was_chosen_is_in_the_draft():
    answers = LayoutAnswers(filesystem="xfs", table="msdos", bootmode="bios")
    assert answers.put_into(Draft()).keys == {
        "partitions": [{**ROOT, "filesystem": "xfs"}],
        "partition_type": "msdos",
        "bootmode": "bios",
    }
    assert LayoutAnswers.of(answers.put_into(Draft())).bootmode == "bios"


def test_rows_are_added_changed_and_deleted():
    answers = LayoutAnswers(automatic=False, rows=(ROOT,))
    two = answers.with_row(1, HOME)
    assert two.put_into(Draft()).get("partitions") == [ROOT, HOME]
    assert two.with_row(0, {**ROOT, "size": 4096}).rows[0]["size"] == 4096
    assert two.without_row(0).rows == (HOME,)
    assert answers.rows == (ROOT,)


def test_own_partitions_come_back_after_the_automatic_ones():
    session = Session(RecordedInquiries(), "x86_64")
    own = LayoutAnswers(automatic=False, rows=(ROOT, HOME))
    session.draft = session.with_layout(own)
    assert session.draft.get("partitions") == [ROOT, HOME]
    session.draft = session.with_layout(LayoutAnswers(rows=own.rows))
    assert session.draft.get("partitions") is None
    assert session.layout().rows == (ROOT, HOME)


def test_somebody_who_wants_their_own_begins_with_the_automatic_ones():
    assert LayoutAnswers.of(Draft()).rows == (ROOT,)


def test_the_disks_of_a_draft_are_known_by_their_ids():
    assert disk_ids(Draft({"disk": "/dev/vda"})) == ("default",)
    assert disk_ids(Draft({"disks": {"default": {}, "data": {}}})) == ("default", "data")
