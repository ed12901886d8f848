"""Facts about machines, from recordings and from the one we run on."""

import json
from pathlib import Path

import pytest

from engine.command import SystemCommands
from installer.probe import machine_from, probe_machine, record_machine

MACHINES = Path(__file__).parent / "machines"


def recorded(name):
    return machine_from(json.loads((MACHINES / f"{name}.json").read_text()))


@pytest.fixture
def busy():
    return recorded("busy")


def test_a_disk_has_its_size_sector_size_and_model(busy):
    disk = busy.find("/dev/nvme0n1")
    assert (disk.size, disk.sector_size, disk.model) == (500 * 1024**3, 4096, "Fast")


def test_stable_names_lead_to_their_device(busy):
    assert busy.find("/dev/disk/by-id/nvme-Fast_N7").path == "/dev/nvme0n1"
    assert busy.find("/dev/disk/by-label/root").path == "/dev/sda2"


def test_an_unknown_name_leads_nowhere(busy):
    assert busy.find("/dev/sdz") is None
    assert busy.resolve("/dev/sdz") == "/dev/sdz"


def test_swap_is_known_from_lsblk_and_from_proc_swaps(busy):
    assert busy.find("/dev/sda3").swap
    assert busy.find("/dev/sdk").swap
    assert busy.find("/dev/sda3").mountpoints == ()


def test_a_physical_volume_knows_its_group(busy):
    assert busy.find("/dev/sdb1").volume_group == "data"


def test_a_partition_knows_its_disk(busy):
    assert busy.parent_disk("/dev/sda2").path == "/dev/sda"


def test_the_deepest_mount_point_holds_a_file(busy):
    assert busy.holding("/run/media/photon/repo").path == "/dev/sdf"
    assert busy.holding("/home/ada").path == "/dev/sdb"
    assert busy.holding("/run/other").path == "/dev/sda"


def test_a_recording_survives_json_and_gives_the_same_machine():
    recording = record_machine(SystemCommands())
    assert machine_from(json.loads(json.dumps(recording))) == machine_from(recording)


def test_this_machine_can_be_probed():
    machine = probe_machine(SystemCommands())
    assert all(disk.path.startswith("/dev/") for disk in machine.disks)


def test_missing_facts_mean_nothing_of_that_kind():
    machine = machine_from({"lsblk": {"blockdevices": []}})
    assert machine.disks == ()
    assert not machine.efi
