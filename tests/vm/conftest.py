"""Disks that our installer wrote, as a user would: by the command, from a kickstart."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.composed import ComposedTree, composed_tree
from tests.gpg import GpgKey, gpg_key
from tests.nginx import WebServer, nginx
from tests.vm.machine import Hardware, Machine

PROJECT = Path(__file__).resolve().parent.parent.parent
CONSOLE = ["console=tty0", "console=ttyS0,115200"]
QUICK = ["quiet", "loglevel=3", "mitigations=off", "nokaslr", "audit=0", "nowatchdog"]


@dataclass(frozen=True)
class Installed:
    """A disk with an installed machine, the key that opens it, and the tree it should run."""

    disk: Path
    key: Path
    tree: ComposedTree


def photree_installer(folder: Path, kickstart: dict[str, object], *arguments: str) -> str:
    """Run the installer on a kickstart in folder; its output; fails with its messages."""
    file = folder / "kickstart.json"
    file.write_text(json.dumps(kickstart, indent=2))
    done = subprocess.run(
        [PROJECT / ".venv/bin/photree-installer", "--kickstart", str(file), *arguments],
        cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def tree() -> ComposedTree:
    return composed_tree()


@pytest.fixture(scope="session")
def ssh_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = tmp_path_factory.mktemp("ssh") / "id_ed25519"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "guest@photree.test", "-f", key],
        check=True,
    )
    return key


@pytest.fixture(scope="session")
def default_host(
    tree: ComposedTree, ssh_key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """The default host profile, from media, for both firmwares on one GPT disk."""
    folder = tmp_path_factory.mktemp("default-host")
    media = folder / "media"
    media.mkdir()
    (media / "repo").symlink_to(tree.repo)
    kickstart = {
        "hostname": "photon-host-def",
        "ostree": {"default_repo": True},
        "disks": {"default": {"filename": "disk.img", "size": 4096}},
        "password": {"text": "photon", "crypted": False},
        "public_key": (ssh_key.with_suffix(".pub")).read_text().strip(),
        "network": {"version": 2, "ethernets": {"lan": {"match": {"name": "e*"}, "dhcp4": True}}},
        "kargs": CONSOLE + QUICK,
    }
    photree_installer(folder, kickstart, "--media", str(media))
    return Installed(folder / "disk.img", ssh_key, tree)


@dataclass(frozen=True)
class TreeServer:
    """A web server publishing a copy of the tree's repository, which tests may add to."""

    repo: Path
    web: WebServer
    key: GpgKey

    @property
    def url(self) -> str:
        return f"{self.web.url}repo"

    @property
    def url_for_guests(self) -> str:
        """QEMU's user network shows this machine's loopback as 10.0.2.2."""
        return self.url.replace("127.0.0.1", "10.0.2.2")

    def sign(self, commit: str) -> None:
        self.key.sign(self.repo, commit)


@pytest.fixture(scope="session")
def tree_server(
    tree: ComposedTree, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TreeServer]:
    root = tmp_path_factory.mktemp("server")
    subprocess.run(["cp", "-a", tree.repo, root / "repo"], check=True)
    with (
        gpg_key(tmp_path_factory.mktemp("gpg"), "server") as key,
        nginx(root, tmp_path_factory.mktemp("nginx")) as web,
    ):
        server = TreeServer(root / "repo", web, key)
        server.sign(tree.commit)
        yield server


@pytest.fixture(scope="session")
def custom_host(
    tree: ComposedTree,
    tree_server: TreeServer,
    ssh_key: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Installed:
    """The custom host profile, over HTTP: msdos table, xfs root, swap, static address, a user."""
    folder = tmp_path_factory.mktemp("custom-host")
    kickstart = {
        "hostname": "photon-host-cus1",
        "ostree": {
            "repo_url": tree_server.url,
            "repo_ref": tree.ref,
            "gpg_key": str(tree_server.key.public),
        },
        "disks": {"default": {"filename": "disk.img", "size": 4096}},
        "partition_type": "msdos",
        "bootmode": "bios",
        "partitions": [
            {"mountpoint": "/boot", "size": 400, "filesystem": "ext4"},
            {"filesystem": "swap", "size": 128},
            {"mountpoint": "/", "size": 0, "filesystem": "xfs"},
        ],
        "password": {"text": "photon", "crypted": False},
        "users": [
            {
                "name": "ada",
                "password": {"text": "lovelace", "crypted": False},
                "groups": ["sudo"],
                "public_keys": [ssh_key.with_suffix(".pub").read_text().strip()],
                "sudo": True,
            }
        ],
        "network": {
            "version": 2,
            "ethernets": {
                "lan": {
                    "match": {"name": "e*"},
                    "dhcp4": False,
                    "addresses": ["10.0.2.77/24"],
                    "gateway": "10.0.2.2",
                    "nameservers": {"addresses": ["10.0.2.3"], "search": ["photree.test"]},
                }
            },
        },
        "services": {"nginx.service": "enabled"},
        "postinstall": ["#!/bin/sh", "echo made by the post-install script > /etc/made-here"],
        "kargs": CONSOLE + QUICK,
    }
    photree_installer(folder, kickstart)
    return Installed(folder / "disk.img", ssh_key, tree)


def booted(installed: Installed, folder: Path, **hardware: object) -> Machine:
    return Machine(Hardware(installed.disk, **hardware), folder)  # type: ignore[arg-type]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder boots machines or prepares their disks."""
    for item in items:
        if str(Path(__file__).parent) + os.sep in str(item.path):
            item.add_marker(pytest.mark.vm)
