"""Disks of this machine that are really in use."""

import subprocess
from pathlib import Path

import pytest

from engine.command import SystemCommands
from installer.plan import Disk
from installer.probe import probe_machine
from installer.storage.geometry import MIB
from installer.storage.loop import attach
from installer.storage.refusals import refusals
from tests.installer.plans import make_plan

pytestmark = pytest.mark.root


@pytest.fixture
def loop(tmp_path):
    """A loop device of 4 GiB with nothing on it."""
    with (tmp_path / "disk.img").open("w+b") as image:
        image.truncate(4096 * MIB)
        device = attach(image.fileno(), image.name, 512)
    yield device.path
    device.detach()


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True)


def reasons(device, tmp_path):
    plan = make_plan(disk=Disk("default", device=Path(device)), url="https://e.test/repo")
    return [problem.message for problem in refusals(plan, probe_machine(SystemCommands()))]


def test_an_empty_disk_is_taken(loop, tmp_path):
    assert reasons(loop, tmp_path) == []


def test_a_file_system_alone_is_seen_but_no_reason_to_refuse(loop, tmp_path):
    run("mkfs.ext4", "-q", "-L", "old", loop)
    device = probe_machine(SystemCommands()).find(loop)
    assert (device.filesystem, device.label) == ("ext4", "old")
    assert reasons(loop, tmp_path) == []


def test_a_mounted_disk_is_refused_with_its_mount_point(loop, tmp_path):
    place = tmp_path / "mounted"
    place.mkdir()
    run("mkfs.ext4", "-q", loop)
    run("mount", loop, str(place))
    try:
        assert reasons(loop, tmp_path) == [f"is mounted at {place}"]
    finally:
        run("umount", str(place))


def test_a_disk_mounted_where_we_cannot_see_it_is_refused(loop, tmp_path):
    place = tmp_path / "mounted"
    place.mkdir()
    run("mkfs.ext4", "-q", loop)
    script = 'mount "$1" "$2"; echo ready; read -r line'
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script, "sh", loop, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as elsewhere:
        assert elsewhere.stdout.readline() == "ready\n"
        found = reasons(loop, tmp_path)
        elsewhere.communicate("\n")
    assert found == ["is in use by the kernel or another program (a mount in a container?)"]


def test_a_volume_group_is_named(loop, tmp_path):
    name = f"photree-test-{loop.rsplit('/', 1)[1]}"
    run("pvcreate", "--quiet", loop)
    run("vgcreate", "--quiet", name, loop)
    try:
        assert reasons(loop, tmp_path) == [f"belongs to the LVM volume group {name}"]
    finally:
        run("vgremove", "--force", name)


def test_a_swap_area_in_use_is_refused(loop, tmp_path):
    run("mkswap", loop)
    run("swapon", loop)
    try:
        assert reasons(loop, tmp_path) == ["is used as swap"]
    finally:
        run("swapoff", loop)
