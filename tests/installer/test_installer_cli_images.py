"""Whole installations of a small tree on disk images, read back by other programs."""

import json
import stat
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from installer.storage.loop import attach
from tests.installer.fake_tree import REF, FakeTree
from tests.installer.test_installer_cli import run, write_kickstart

pytestmark = pytest.mark.root

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtyXzIg5Vyd29ZwJ4DmSvVgFTwv+0Nd1mB7LZkVZq0f ada"


@dataclass(frozen=True)
class Layout:
    """Keys of a kickstart, and what they lead to: partition numbers and file systems."""

    keys: dict[str, object]
    filesystems: dict[int, str]
    boot: int
    root: int
    sector_size: int = 512
    mounts: dict[str, int] = field(default_factory=dict)


def root_of(filesystem, **more):
    return {"mountpoint": "/", "size": 0, "filesystem": filesystem, **more}


LAYOUTS = {
    "gpt-ext4": Layout({}, {2: "vfat", 3: "ext4", 4: "ext4"}, 3, 4, mounts={"/boot/efi": 2}),
    "gpt-xfs-var-swap": Layout(
        {
            "partitions": [
                {"mountpoint": "/", "size": 1300, "filesystem": "xfs"},
                {"filesystem": "swap", "size": 64, "label": "swap"},
                {"mountpoint": "/var", "size": 0, "filesystem": "xfs", "label": "var"},
            ]
        },
        {2: "vfat", 3: "ext4", 4: "xfs", 5: "swap", 6: "xfs"},
        3,
        4,
        mounts={"/boot/efi": 2, "/var": 6, "none": 5},
    ),
    "gpt-btrfs-subvolumes": Layout(
        {
            "partitions": [
                root_of(
                    "btrfs",
                    btrfs={
                        "label": "pool",
                        "subvols": [{"name": "home", "mountpoint": "/home"}],
                    },
                )
            ]
        },
        {2: "vfat", 3: "ext4", 4: "btrfs"},
        3,
        4,
        mounts={"/boot/efi": 2, "/var/home": 4},
    ),
    "gpt-4096": Layout({}, {2: "vfat", 3: "ext4", 4: "ext4"}, 3, 4, sector_size=4096),
    "msdos-bios": Layout(
        {"partition_type": "msdos", "bootmode": "bios"}, {1: "ext4", 2: "ext4"}, 1, 2
    ),
    "msdos-dual-xfs": Layout(
        {"partition_type": "msdos", "partitions": [root_of("xfs")]},
        {1: "vfat", 2: "ext4", 3: "xfs"},
        2,
        3,
        mounts={"/boot/efi": 1},
    ),
}


@dataclass(frozen=True)
class Installed:
    """An attached image, mounted at root."""

    layout: Layout
    device: str
    root: Path
    tree: FakeTree

    @property
    def deployment(self) -> Path:
        (found,) = (self.root / "ostree/deploy/photon/deploy").glob("*.0")
        return found

    @property
    def var(self) -> Path:
        return self.root / "ostree/deploy/photon/var"

    def node(self, number: int) -> str:
        return f"{self.device}p{number}"

    def uuid(self, number: int) -> str:
        return output("blkid", "-p", "-s", "UUID", "-o", "value", self.node(number)).strip()

    def read(self, path: str) -> str:
        return (self.deployment / path).read_text()


def output(*argv):
    return subprocess.run(list(map(str, argv)), check=True, capture_output=True, text=True).stdout


@contextmanager
def opened(image: Path, place: Path, layout: Layout, tree: FakeTree) -> Iterator[Installed]:
    """Attach an image and mount its root, its /boot, and what lies on /var."""
    with ExitStack() as stack:
        with image.open("r+b") as file:
            loop = attach(file.fileno(), str(image), layout.sector_size)
        stack.callback(loop.detach)
        output("partx", "--update", loop.path)

        def mount(number: int, where: Path, *options: str) -> None:
            output("mount", *options, f"{loop.path}p{number}", where)
            stack.callback(output, "umount", where)

        place.mkdir()
        mount(layout.root, place)
        mount(layout.boot, place / "boot")
        if "/var" in layout.mounts:
            mount(layout.mounts["/var"], place / "ostree/deploy/photon/var")
        if "/var/home" in layout.mounts:
            home = place / "ostree/deploy/photon/var/home"
            mount(layout.mounts["/var/home"], home, "--options", "subvol=home")
        yield Installed(layout, loop.path, place, tree)


@pytest.fixture(scope="module", params=sorted(LAYOUTS))
def machine(request, tree, tmp_path_factory) -> Iterator[Installed]:
    """The same host on every layout."""
    folder = tmp_path_factory.mktemp(request.param)
    layout = LAYOUTS[request.param]
    disk = {"filename": str(folder / "disk.img"), "size": 2560, "sector_size": layout.sector_size}
    keys = {
        "disks": {"default": disk},
        "public_key": KEY,
        "users": [{"name": "ada", "groups": ["wheel"], "public_keys": [KEY], "sudo": True}],
        "services": {"hello.service": "enabled"},
        "environment": {"COLOUR": "deep red"},
        "network": {"version": 2, "ethernets": {"lan": {"match": {"name": "e*"}, "dhcp4": True}}},
        "postinstall": ["#!/bin/bash", 'echo "$COLOUR" > /etc/colour', "id -u > /var/lib/who"],
        "kargs": ["console=tty0", "console=ttyS0,115200"],
        "live": False,
        **layout.keys,
    }
    done = run("--kickstart", write_kickstart(folder, tree, **keys), "--log", folder / "log")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["disk.img", "ks.json", "log"]
    with opened(folder / "disk.img", folder / "mounted", layout, tree) as installed:
        yield installed


def test_every_volume_has_the_file_system_asked_for(machine):
    found = {
        number: output("blkid", "-p", "-s", "TYPE", "-o", "value", machine.node(number)).strip()
        for number in machine.layout.filesystems
    }
    assert found == machine.layout.filesystems


def test_partitions_lie_on_mebibytes(machine):
    table = json.loads(output("sfdisk", "--json", machine.device))["partitiontable"]
    unit = machine.layout.sector_size
    assert all(part["start"] * unit % 2**20 == 0 for part in table["partitions"])
    assert all(part["size"] * unit % 2**20 == 0 for part in table["partitions"])


def test_ostree_sees_the_deployment_with_its_origin(machine):
    text = output("ostree", "admin", "status", f"--sysroot={machine.root}")
    assert f"photon {machine.tree.commit}.0" in text
    assert f"origin refspec: photon:{REF}" in text
    assert f"Version: {machine.tree.version}" in text


def test_the_repository_is_whole(machine):
    repo = machine.root / "ostree/repo"
    output("ostree", f"--repo={repo}", "fsck", "--quiet")
    assert output("ostree", f"--repo={repo}", "remote", "list").split() == ["photon"]


def test_the_kernel_finds_root_by_its_uuid_and_both_consoles_are_there(machine):
    (entry,) = (machine.root / "boot/loader/entries").glob("*.conf")
    options = next(x for x in entry.read_text().splitlines() if x.startswith("options")).split()
    assert f"root=UUID={machine.uuid(machine.layout.root)}" in options
    assert "rw" in options
    assert [o for o in options if o.startswith("console=")] == [
        "console=tty0",
        "console=ttyS0,115200",
    ]


def test_the_menu_lists_the_deployment(machine):
    menu = (machine.root / "boot/grub/grub.cfg").read_text()
    assert menu.count("menuentry") == 1
    assert f"root=UUID={machine.uuid(machine.layout.root)}" in menu


def test_fstab_mounts_everything_else_by_uuid(machine):
    rows = [line.split() for line in machine.read("etc/fstab").splitlines() if line[0] != "#"]
    found = {row[1]: row[0] for row in rows}
    wanted = {"/boot": machine.layout.boot, **machine.layout.mounts}
    assert {place: f"UUID={machine.uuid(number)}" for place, number in wanted.items()}.items() <= (
        found.items()
    )
    assert "/" not in found


def test_grub_for_bios_is_in_the_first_sector(machine):
    with Path(machine.device).open("rb") as disk:
        assert b"GRUB" in disk.read(512)


def test_grub_for_uefi_is_on_the_esp(machine):
    number = next((n for n, kind in machine.layout.filesystems.items() if kind == "vfat"), None)
    if number is None:
        assert not (machine.root / "boot/efi").exists()
        return
    listing = output("mdir", "-b", "-i", machine.node(number), "::/EFI/BOOT")
    assert listing.strip() == "::/EFI/BOOT/BOOTX64.EFI"
    assert (machine.root / "boot/efi").is_dir()


def test_the_host_is_configured(machine):
    assert machine.read("etc/hostname") == "photon-host-cus1\n"
    assert machine.read("etc/machine-id") == ""
    assert 'COLOUR="deep red"' in machine.read("etc/environment")
    assert "Name=e*" in machine.read("etc/systemd/network/10-lan.network")
    wants = machine.deployment / "etc/systemd/system/multi-user.target.wants/hello.service"
    assert wants.readlink().as_posix().endswith("/lib/systemd/system/hello.service")


def test_accounts_have_their_passwords_keys_and_homes(machine):
    shadow = machine.read("etc/shadow")
    assert "root:$6$" in shadow
    assert "ada:*:" in shadow
    assert stat.S_IMODE((machine.deployment / "etc/shadow").stat().st_mode) == 0o600
    assert "wheel:x:10:ada\n" in machine.read("etc/group")
    for home, uid in (("roothome", 0), ("home/ada", 1000)):
        keys = machine.var / home / ".ssh/authorized_keys"
        assert keys.read_text() == f"{KEY}\n"
        assert (keys.stat().st_uid, stat.S_IMODE(keys.stat().st_mode)) == (uid, 0o600)
        assert stat.S_IMODE(keys.parent.stat().st_mode) == 0o700
    assert "PermitRootLogin prohibit-password" in machine.read("etc/ssh/sshd_config")


def test_the_post_script_ran_inside_as_root_with_its_variables(machine):
    assert machine.read("etc/colour") == "deep red\n"
    assert (machine.var / "lib/who").read_text() == "0\n"


def test_nothing_of_the_installer_is_left_on_the_disk(machine):
    strays = [str(p) for p in machine.root.rglob("*photree*") if "ostree/repo" not in str(p)]
    assert sorted(Path(path).name for path in strays) == ["photree-ada"]


@pytest.fixture
def small(tree, tmp_path):
    """A function that installs with more keys; returns the finished process."""

    def install(**keys):
        file = write_kickstart(tmp_path, tree, **keys)
        return run("--kickstart", file, "--log", tmp_path / "log")

    return install


def test_a_failing_post_script_is_an_error_with_its_output(small, tmp_path):
    done = small(postinstall=["#!/bin/bash", "echo about to fail", "exit 7"])
    assert done.returncode == 1
    assert "The post-install script 'postinstall' failed" in done.stderr
    assert "exit code 7" in done.stderr
    assert "about to fail" in (tmp_path / "log").read_text()
    assert not list(tmp_path.glob("disk.img*"))


def test_a_post_script_cannot_write_to_the_tree(small):
    done = small(postinstall=["#!/bin/bash", "touch /usr/bin/intruder"])
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr


def test_an_unknown_service_is_an_error_that_names_it(small):
    done = small(services={"missing.service": "enabled"})
    assert done.returncode == 1
    assert "missing.service" in done.stderr


def test_the_log_is_for_root_only_and_has_no_password(small, tmp_path):
    done = small()
    assert done.returncode == 0, done.stderr
    log = tmp_path / "log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    text = log.read_text()
    assert "mkfs.ext4" in text
    assert "hunter2" not in text
    assert "$6$" not in text
    assert done.stdout.splitlines()[-1] == f"The log is {log}."


def test_a_repository_in_a_tar_file_is_unpacked_and_removed(tree, tmp_path):
    archive = tmp_path / "ostree-repo.tar.gz"
    output("tar", "--create", "--gzip", "--file", archive, "--directory", tree.repo, ".")
    file = write_kickstart(tmp_path, tree, ostree={"path": str(archive), "repo_ref": REF})
    done = run("--kickstart", file, "--log", tmp_path / "log")
    assert done.returncode == 0, done.stderr
    with opened(tmp_path / "disk.img", tmp_path / "m", LAYOUTS["gpt-ext4"], tree) as installed:
        assert tree.commit in installed.deployment.name
        assert not (installed.root / "ostree/photree-unpacked").exists()


def test_additional_files_and_scripts_of_the_first_boot(tree, tmp_path):
    (tmp_path / "motd").write_text("Welcome.\n")
    (tmp_path / "once.sh").write_text("echo once\n")
    file = write_kickstart(
        tmp_path,
        tree,
        additional_files=[{"motd": "/etc/motd"}],
        firstboot={"scripts": ["once.sh"]},
    )
    done = run("--kickstart", file, "--log", tmp_path / "log")
    assert done.returncode == 0, done.stderr
    with opened(tmp_path / "disk.img", tmp_path / "m", LAYOUTS["gpt-ext4"], tree) as installed:
        assert installed.read("etc/motd") == "Welcome.\n"
        script = installed.var / "lib/photree/firstboot/01"
        assert script.read_text() == "#!/bin/bash\necho once\n"
        assert "firstboot/01" in installed.read("etc/systemd/system/photree-firstboot.service")


def test_a_real_disk_is_installed_after_a_yes(tree, tmp_path, empty_disk):
    file = write_kickstart(tmp_path, tree, disks={"default": {"device": empty_disk}})
    done = run("--kickstart", file, "--yes", "--json", "--log", tmp_path / "log")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, events[-1]
    assert events[-1]["ok"]
    assert tree.commit in events[-1]["message"]
    steps = [event["step"] for event in events if event["event"] == "StepFinished"]
    assert steps[0] == "check-target"
    assert steps[-1] == "finish"
    table = json.loads(output("sfdisk", "--json", empty_disk))["partitiontable"]
    assert [part["name"] for part in table["partitions"]] == ["bios", "efi", "boot", "root"]
    again = run("--kickstart", file, "--log", tmp_path / "log")
    assert again.returncode == 0, again.stderr


def test_a_mounted_disk_is_refused_by_the_command(tree, tmp_path, empty_disk):
    output("mkfs.ext4", "-q", empty_disk)
    place = tmp_path / "in use"
    place.mkdir()
    output("mount", empty_disk, place)
    try:
        file = write_kickstart(tmp_path, tree, disks={"default": {"device": empty_disk}})
        done = run("--kickstart", file, "--log", tmp_path / "log")
    finally:
        output("umount", place)
    assert done.returncode == 1
    assert f"{empty_disk}: is mounted at {place}" in done.stderr
    assert "nothing was written" in done.stderr
