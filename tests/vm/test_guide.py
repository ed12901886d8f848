"""The chapters of the guide on one booted machine, by the commands of an administrator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.composed import ComposedTree
from tests.fleetlock import lock_server
from tests.vm.conftest import CONSOLE, QUICK, photree_installer
from tests.vm.guide_server import NEXT_REF, GuideServer, guide_server
from tests.vm.machine import Hardware, Machine

QUICK_TIMER = "[Timer]\\nOnBootSec=\\nOnUnitInactiveSec=\\nRandomizedDelaySec=0\\nOnActiveSec=1s\\n"
pytestmark = pytest.mark.guide
PASSWORD = {"text": "photon", "crypted": False}


@pytest.fixture(scope="module")
def server(tree: ComposedTree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuideServer]:
    with guide_server(tree, tmp_path_factory.mktemp("guide-server")) as found:
        yield found


@pytest.fixture(scope="module")
def guest(
    server: GuideServer, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Machine]:
    """A custom host, installed from the server and logged in to. It lives through the module."""
    folder = tmp_path_factory.mktemp("guide-host")
    kickstart = {
        "hostname": "photon-host-cus1",
        "ostree": {
            "repo_url": f"{server.web.url}repo",
            "repo_ref": server.tree.ref,
            "gpg_key": str(server.key.public),
        },
        "disks": {"default": {"filename": "disk.img", "size": 6144}},
        "password": PASSWORD,
        "network": {"version": 2, "ethernets": {"lan": {"match": {"name": "e*"}, "dhcp4": True}}},
        "kargs": CONSOLE + QUICK,
    }
    photree_installer(folder, kickstart)
    firmware = pytestconfig.getoption("firmware")
    hardware = Hardware(folder / "disk.img", firmware=firmware, memory_mb=1536)
    with Machine(hardware, folder / "vm") as machine:
        machine.login()
        yield machine


def reboot(guest: Machine) -> None:
    guest.reboot()
    guest.login()


def deployments(guest: Machine) -> list[dict[str, Any]]:
    """As `photree status --json` has them; `ostree admin status` must agree on their number."""
    found: list[dict[str, Any]] = json.loads(guest.run("photree status --json").text)["deployments"]
    listed = guest.run("ostree admin status").text
    assert listed.count("origin refspec") + listed.count("origin:") == len(found), listed
    return found


def versions(guest: Machine) -> list[str]:
    return [str(each["version"]) for each in deployments(guest)]


def booted(guest: Machine) -> dict[str, Any]:
    return next(each for each in deployments(guest) if each["booted"])


def base(deployment: dict[str, Any]) -> str:
    """The commit of the server that a deployment was made of."""
    return str(deployment.get("base-checksum", deployment["checksum"]))


def test_the_host_follows_its_server(guest: Machine, server: GuideServer) -> None:
    guest.run(f"curl -sO --output-dir /root {server.url}TREE-GPG-KEY")
    added = guest.run(
        f"photree remote add --force --gpg-import=/root/TREE-GPG-KEY photon {server.url}repo"
    )
    assert added.code == 0, added.output
    assert guest.run("photree remote show-url photon").text == f"{server.url}repo"
    assert server.tree.ref in guest.run("photree remote refs photon").text
    check = guest.run("photree upgrade --check")
    assert (check.code, check.output.strip().splitlines()[-1]) == (77, "No updates available.")


def test_upgrade_says_what_would_change_then_does_it(guest: Machine, server: GuideServer) -> None:
    commit = server.publish("wget", "jq", delta=True)
    check = guest.run("photree upgrade --check").text
    assert server.version(commit) in check
    assert "Diff: 2 upgraded" in check
    preview = guest.run("photree upgrade --preview").text
    assert "wget" in preview
    guest.run("echo kept > /etc/kept; echo kept > /var/lib/kept")
    upgraded = guest.run("photree upgrade", timeout=600).text
    assert "Upgraded:" in upgraded
    assert any(each.path.startswith("/repo/deltas/") for each in server.web.requests())
    guest.run("echo late > /etc/late")
    assert deployments(guest)[0]["staged"]
    reboot(guest)
    assert booted(guest)["checksum"] == commit
    assert guest.run("cat /etc/kept /etc/late /var/lib/kept").text.split() == [
        "kept", "late", "kept",
    ]  # fmt: skip
    assert "Fixes CVE" in guest.run("photree db diff --changelogs rollback booted").text
    assert "healthy" in guest.run("photree status").text


def test_rollback_twice_before_a_reboot(guest: Machine) -> None:
    before = versions(guest)
    assert "to be first deployment" in guest.run("photree rollback").text
    assert versions(guest) == before[::-1]
    guest.run("photree rollback")
    assert versions(guest) == before


def test_packages_by_name_by_url_and_from_a_file_with_an_upgrade_that_skips_a_version(
    guest: Machine, server: GuideServer
) -> None:
    server.publish("wget")
    commit = server.publish("wget", "less")
    guest.run(
        "rm -f /etc/yum.repos.d/*; printf '[photon]\\nname=photon\\nbaseurl=%s\\ngpgkey=%s\\n' "
        f"{server.url}rpms {server.url}RPM-GPG-KEY > /etc/yum.repos.d/photon.repo"
    )
    packages = server.packages.packages
    assert guest.run("photree upgrade", timeout=600).code == 0
    assert "tmux" in guest.run("photree search tmux").text
    near = guest.run("photree install tmuxx")
    assert (near.code, "tmux" in near.output) == (1, True)
    guest.run(f"cd /root && curl -sO {server.url}rpms/{packages['parted'].name}")
    url = f"{server.url}rpms/{packages['squashfs-tools'].name}"
    installed = guest.run(
        f"cd /root && photree install tmux ./{packages['parted'].name} {url}", timeout=600
    ).text
    assert "Added:" in installed
    reboot(guest)
    status = booted(guest)
    assert base(status) == commit
    assert status["packages"] == ["tmux"]
    assert guest.run("tmux -V").text.startswith("tmux")
    assert guest.run("mksquashfs -version").output.startswith("mksquashfs")
    assert guest.run("parted --version").code == 0
    assert guest.run("rpm -q tmux parted squashfs-tools").code == 0
    assert guest.run("ostree fsck --quiet", timeout=900).code == 0


def test_apply_live_uninstall_and_override_remove(guest: Machine, server: GuideServer) -> None:
    removed = guest.run("photree uninstall tmux parted", timeout=600)
    assert removed.code == 0, removed.output
    refused = guest.run("photree override remove libc6")
    assert refused.code == 1
    assert guest.run("photree override remove wget", timeout=600).code == 0
    reboot(guest)
    assert guest.run("command -v wget tmux").code == 1
    assert guest.run("command -v mksquashfs").code == 0
    status = guest.run("photree status").text
    assert "RemovedBasePackages: wget" in status
    guest.run("photree install tmux", timeout=600)
    assert guest.run("photree apply-live", timeout=600).code == 0
    assert guest.run("tmux -V").text.startswith("tmux")


def test_an_automatic_update_by_the_timer_with_the_leave_of_a_lock_server(
    guest: Machine, server: GuideServer
) -> None:
    commit = server.publish("jq")
    with lock_server("default") as locks:
        configuration = (
            "[Daemon]\\nAutomaticUpdatePolicy=apply\\n"
            f"[FleetLock]\\nBaseUrl={locks.url.replace('127.0.0.1', '10.0.2.2')}\\n"
        )
        guest.run(f"printf '{configuration}' > /etc/photree.conf")
        timer = "/etc/systemd/system/photree-automatic.timer.d"
        guest.run(f"mkdir -p {timer}; printf '{QUICK_TIMER}' > {timer}/quick.conf")
        guest.run("systemctl daemon-reload; systemctl start photree-automatic.timer")
        guest.wait_for_restart(600)
        guest.login()
        assert base(booted(guest)) == commit
        guest.run("systemctl is-active --wait photree-fleet-lock.service", timeout=300)
        assert [path for path, _name in locks.requests] == [
            "/v1/pre-reboot", "/v1/steady-state",
        ]  # fmt: skip
    assert "AutomaticUpdates: apply" in guest.run("photree status").text
    guest.run("rm /etc/photree.conf")


def test_a_failing_health_check_brings_the_former_deployment_back(
    guest: Machine, server: GuideServer
) -> None:
    before = booted(guest)["checksum"]
    commit = server.publish("less")
    check = f"#!/bin/sh\\n[ ! -e /usr/share/photree-test/less-r{server.releases} ]\\n"
    place = "/etc/photree/health.d/10-less"
    guest.run(f"printf '{check}' > {place}; chmod 755 {place}")
    guest.serial.send("photree upgrade --reboot\n")
    guest.wait_for_restart(600)
    guest.wait_for_restart(600)
    guest.login()
    assert booted(guest)["checksum"] == before
    assert commit in {base(each) for each in deployments(guest)}
    status = guest.run("photree status").text
    assert "fell back from" in status
    assert "10-less" in status


def test_rebase_to_another_remote_and_the_next_major_release(
    guest: Machine, server: GuideServer
) -> None:
    commit = server.publish_next()
    guest.run("echo kept > /etc/kept; echo kept > /var/lib/kept")
    assert (
        guest.run(f"photree remote add --gpg-import=/root/TREE-GPG-KEY srv2 {server.url}next").code
        == 0
    )
    guest.run("photree reset", timeout=600)
    rebased = guest.run(f"photree rebase srv2:{NEXT_REF}", timeout=600)
    assert rebased.code == 0, rebased.output
    reboot(guest)
    status = booted(guest)
    assert status["checksum"] == commit
    assert status["origin"] == f"srv2:{NEXT_REF}"
    assert guest.run("cat /etc/kept /var/lib/kept").text.split() == ["kept", "kept"]
    refused = guest.run("photree undeploy 0")
    assert (refused.code, "is booted" in refused.output) == (1, True)
    assert guest.run("touch /usr/writable").code == 1
    assert guest.run("photree usroverlay").code == 0
    assert guest.run("touch /usr/writable").code == 0
    count = len(deployments(guest))
    assert guest.run(f"photree undeploy {count - 1}").code == 0
    assert len(deployments(guest)) == count - 1
