"""Saving a kickstart: to a new file, or to a stick that can be pulled out afterwards."""

import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.command import SystemCommands
from engine.errors import CommandError, StorageError
from installer.probe import BlockDevice, Machine
from installer.sticks import Stick, find_sticks, save_file, save_to_stick

PART = BlockDevice("/dev/sdb1", "part", 2**30, filesystem="vfat", label="STICK")
DISK = BlockDevice("/dev/sdb", "disk", 2**30, model="Flash", transport="usb", children=(PART,))


def found(disk):
    return [stick.path for stick in find_sticks(Machine((disk,)))]


def test_a_stick_is_named_by_what_a_person_knows_of_it():
    (stick,) = find_sticks(Machine((DISK,)))
    assert stick == Stick("/dev/sdb1", "vfat", "/dev/sdb1, Flash, STICK, 1024 MiB")


def test_only_what_can_be_pulled_out_and_nothing_uses_is_offered():
    assert found(DISK) == ["/dev/sdb1"]
    assert found(replace(DISK, transport="sata")) == []
    assert found(replace(DISK, transport="sata", removable=True)) == ["/dev/sdb1"]
    for used in (
        replace(PART, mountpoints=("/media",)),
        replace(PART, filesystem="iso9660"),
        replace(PART, filesystem=""),
        replace(PART, read_only=True),
    ):
        assert found(replace(DISK, children=(used,))) == []
    assert found(replace(DISK, children=(), filesystem="ext4")) == ["/dev/sdb"]


def test_a_file_is_new_and_for_its_owner_only(tmp_path):
    path = tmp_path / "ks.json"
    assert save_file("text", str(path)) == str(path)
    assert path.read_text() == "text"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(StorageError, match="exists already"):
        save_file("other", str(path))
    assert path.read_text() == "text"
    with pytest.raises(StorageError, match="could not be written"):
        save_file("text", str(tmp_path / "no/such/folder"))


@pytest.mark.root
def test_a_stick_gets_the_file_and_is_released(tmp_path, empty_disk):
    subprocess.run(["mkfs.ext4", "-q", empty_disk], check=True)
    stick = Stick(empty_disk, "ext4", "the stick")
    commands = SystemCommands()
    assert save_to_stick("one", stick, "ks.json", commands) == "ks.json on the stick"
    assert save_to_stick("two", stick, "ks.json", commands) == "ks-2.json on the stick"
    assert empty_disk not in Path("/proc/mounts").read_text()
    place = tmp_path / "place"
    place.mkdir()
    subprocess.run(["mount", empty_disk, place], check=True)
    try:
        assert [(place / name).read_text() for name in ("ks.json", "ks-2.json")] == ["one", "two"]
        assert stat.S_IMODE((place / "ks.json").stat().st_mode) == 0o600
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.root
def test_a_stick_that_cannot_be_mounted_is_named(empty_disk):
    with pytest.raises(CommandError, match=f"{empty_disk} could not be mounted"):
        save_to_stick("text", Stick(empty_disk, "ext4", "s"), "ks.json", SystemCommands())
