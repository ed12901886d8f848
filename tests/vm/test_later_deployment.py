"""GRUB's menu follows a deployment that libostree makes later, with nobody rewriting it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.distro.build import distribution
from tests.vm.conftest import PROJECT, Installed, TreeServer, booted

WRITABLE_SYSROOT = "unshare -m sh -c 'mount -o remount,rw /sysroot && {}'"


@pytest.fixture(scope="module")
def next_commit(tree_server: TreeServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The server composes a tree with one package at its next release, and signs it."""
    folder = tmp_path_factory.mktemp("next-release")
    packages = distribution()
    repository = packages.rebuild(["wget"], folder / "packages")
    treefile = packages.write_treefiles(folder / "tree", repository) / "photon-minimal.json"
    written = folder / "commit"
    subprocess.run(
        [PROJECT / ".venv/bin/photree", "compose", "tree", f"--repo={tree_server.repo}",
         f"--cachedir={folder / 'cache'}", f"--write-commitid-to={written}", treefile],
        check=True, capture_output=True,
    )  # fmt: skip
    commit = written.read_text().strip()
    tree_server.sign(commit)
    return commit


def test_an_upgrade_boots_by_itself_and_keeps_etc_and_var(
    custom_host: Installed, tree_server: TreeServer, next_commit: str, tmp_path: Path
):
    with booted(custom_host, tmp_path) as guest:
        guest.login()
        guest.run("echo kept > /etc/kept && echo kept > /var/lib/kept")
        edit = (
            f"sed -i s,{tree_server.url},{tree_server.url_for_guests}, /sysroot/ostree/repo/config"
        )
        assert guest.run(WRITABLE_SYSROOT.format(edit)).code == 0
        assert guest.run("ostree admin upgrade", timeout=600).code == 0
        guest.reboot()
        guest.login()
        status = json.loads(guest.run("photree status --json").text)["deployments"]
        assert [deployment["checksum"] for deployment in status] == [
            next_commit,
            custom_host.tree.commit,
        ]
        assert status[0]["booted"]
        assert status[0]["version"] == f"{custom_host.tree.version}.1"
        assert guest.run("cat /etc/kept /var/lib/kept").text.split() == ["kept", "kept"]
        assert "2.ph5" in guest.run("rpm -q wget").text
