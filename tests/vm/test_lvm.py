"""A host on logical volumes, installed from inside a running host onto further disks of its own."""

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.vm.conftest import CONSOLE, QUICK, Installed, booted
from tests.vm.machine import Machine

REPO = "/sysroot/ostree/repo"
PARTITIONS = [
    {"mountpoint": "/", "size": 2500, "lvm": {"vg_name": "vg-0", "lv_name": "root"}},
    {"filesystem": "swap", "size": 100, "lvm": {"vg_name": "vg-0", "lv_name": "swap"}},
    {"mountpoint": "/var/log", "sizepercent": 5, "lvm": {"vg_name": "vg-0", "lv_name": "log"}},
    {
        "mountpoint": "/srv",
        "size": 0,
        "filesystem": "xfs",
        "disk_id": "data",
        "lvm": {"vg_name": "vg-0", "lv_name": "srv"},
    },
]


@dataclass(frozen=True)
class Written:
    """The disks that the installer in the guest wrote."""

    system: Path
    data: Path


def second_disk(image: Path, id: str, more: str = "") -> tuple[str, ...]:
    drive = f"if=none,id={id},format=raw,cache=unsafe,file={image}{more}"
    return ("-drive", drive, "-device", f"virtio-blk-pci,drive={id}")


def kickstart(host: Installed) -> str:
    return json.dumps(
        {
            "hostname": "photon-lvm",
            "ostree": {"path": REPO, "repo_ref": host.tree.ref},
            "disks": {"default": {"device": "/dev/vdb"}, "data": {"device": "/dev/vdc"}},
            "bootmode": "bios",
            "partitions": PARTITIONS,
            "password": {"text": "photon"},
            "kargs": CONSOLE + QUICK,
        }
    )


@pytest.fixture(scope="module")
def written(default_host: Installed, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("lvm-installer")
    system, data = folder / "system.img", folder / "data.img"
    for image, size in ((system, "4G"), (data, "1G")):
        subprocess.run(["truncate", "--size", size, image], check=True)
    disks = second_disk(system, "d1") + second_disk(data, "d2")
    with booted(default_host, folder, extra=disks) as guest:
        guest.login()
        # A host's own repository has its branch as the remote's only.
        branch = f"ostree --repo={REPO} refs --create={default_host.tree.ref}"
        command = f"mount -o remount,rw /sysroot && {branch} {default_host.tree.commit}"
        guest.run(f"unshare -m sh -c '{command}'").text  # noqa: B018 - must succeed
        text = base64.b64encode(kickstart(default_host).encode()).decode()
        guest.run(f"echo {text} | base64 -d > /root/lvm.json").text  # noqa: B018
        # Not to the terminal: progress on an emulated serial line takes longer than the copying.
        command = "photree-installer --kickstart /root/lvm.json --yes --verbose"
        done = guest.run(f"{command} > /root/lvm.log 2>&1", timeout=1500)
        assert done.code == 0, guest.run("cat /root/lvm.log").output
        active = guest.run("lvs --noheadings --options lv_name --select lv_active=active").text
        assert active == "", "the volume group was not deactivated"
        guest.power_off()
    return Written(system, data)


@pytest.fixture(scope="module")
def guest(
    written: Written, default_host: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    host = Installed(written.system, default_host.key, default_host.tree)
    data = second_disk(written.data, "d1", ",snapshot=on")
    with booted(host, tmp_path_factory.mktemp("lvm-host"), extra=data) as machine:
        machine.login()
        yield machine


def test_no_unit_failed(guest: Machine):
    result = guest.run("systemctl is-system-running --wait")
    assert result.output.strip() == "running", guest.run("systemctl --failed --no-pager").output


def test_root_and_data_are_logical_volumes_of_one_group_on_two_disks(guest: Machine):
    columns = "NAME,TYPE,PKNAME"
    rows = guest.run(f"lsblk --noheadings --list --output {columns}").text.splitlines()
    found = {tuple(row.split()) for row in rows if " lvm " in row}
    assert found == {
        ("vg--0-root", "lvm", "vda3"),
        ("vg--0-swap", "lvm", "vda3"),
        ("vg--0-log", "lvm", "vda3"),
        ("vg--0-srv", "lvm", "vdb1"),
    }


def test_they_are_mounted_where_they_belong(guest: Machine):
    sources = {
        place: guest.run(f"findmnt -no SOURCE,FSTYPE {place}").text.split()
        for place in ("/sysroot", "/boot", "/var/log", "/var/srv")
    }
    assert sources == {
        "/sysroot": ["/dev/mapper/vg--0-root", "ext4"],
        "/boot": ["/dev/vda2", "ext4"],
        "/var/log": ["/dev/mapper/vg--0-log", "ext4"],
        "/var/srv": ["/dev/mapper/vg--0-srv", "xfs"],
    }


def test_swap_on_a_logical_volume_is_on(guest: Machine):
    assert "partition" in guest.run("cat /proc/swaps").text


def test_sizes_are_as_asked_for(guest: Machine):
    argv = "lvs --noheadings --units m --nosuffix --options lv_name,lv_size"
    rows = (line.split() for line in guest.run(argv).text.splitlines())
    sizes = {name: float(size) for name, size in rows}
    assert sizes == {"root": 2500, "swap": 100, "log": 200, "srv": 1020}


def test_the_initramfs_was_told_of_root(guest: Machine):
    words = guest.run("cat /proc/cmdline").text.split()
    assert "rd.lvm.lv=vg-0/root" in words


def test_it_runs_the_tree_and_says_so(guest: Machine, default_host: Installed):
    status = json.loads(guest.run("photree status --json").text)
    (deployment,) = status["deployments"]
    assert deployment["booted"]
    assert deployment["checksum"] == default_host.tree.commit
