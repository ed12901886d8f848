"""The default host, installed from media: one disk, booted under both firmwares."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.vm.conftest import Installed, booted
from tests.vm.machine import Machine


@pytest.fixture(scope="module", params=["bios", "uefi"])
def guest(
    request: pytest.FixtureRequest,
    default_host: Installed,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp(f"default-host-{request.param}")
    with booted(default_host, folder, firmware=request.param) as machine:
        machine.login()
        yield machine


def test_the_firmware_is_the_one_we_asked_for(guest: Machine):
    efi = guest.run("test -d /sys/firmware/efi").code == 0
    assert efi == (guest.hardware.firmware == "uefi")


def test_no_unit_failed(guest: Machine):
    result = guest.run("systemctl is-system-running --wait")
    assert result.output.strip() == "running", guest.run("systemctl --failed --no-pager").output


def test_root_is_the_deployment_that_was_composed(guest: Machine, default_host: Installed):
    status = json.loads(guest.run("photree status --json").text)
    (deployment,) = status["deployments"]
    assert deployment["booted"]
    assert deployment["checksum"] == default_host.tree.commit
    assert deployment["version"] == default_host.tree.version
    assert deployment["origin"] == f"photon:{default_host.tree.ref}"


def test_ostree_itself_agrees(guest: Machine, default_host: Installed):
    text = guest.run("ostree admin status").text
    assert f"* photon {default_host.tree.commit}.0" in text
    assert f"origin refspec: photon:{default_host.tree.ref}" in text


def test_status_in_words_names_remote_ref_version_and_commit(
    guest: Machine, default_host: Installed
):
    text = guest.run("photree status").text
    assert f"photon:{default_host.tree.ref}" in text
    assert f"Version: {default_host.tree.version}" in text
    assert f"Commit: {default_host.tree.commit}" in text


def test_usr_is_read_only(guest: Machine):
    result = guest.run("touch /usr/bin/intruder")
    assert result.code == 1
    assert "Read-only file system" in result.output


@pytest.mark.parametrize("folder", ["/etc", "/var/lib", "/root", "/home", "/srv", "/opt", "/tmp"])
def test_what_belongs_to_the_machine_is_writable(guest: Machine, folder: str):
    guest.run(f"touch {folder}/written && rm {folder}/written").text  # noqa: B018


def test_it_has_its_name(guest: Machine):
    assert guest.run("hostname").text == "photon-host-def"


def test_it_got_an_address_by_dhcp(guest: Machine):
    assert "10.0.2.15/24" in guest.run("ip -4 -o address show scope global").text


def test_root_can_log_in_by_ssh_with_the_key(guest: Machine, default_host: Installed):
    assert guest.ssh("id -un", default_host.key).text == "root"


def test_boot_and_the_efi_partition_are_in_fstab_by_uuid(guest: Machine):
    lines = guest.run("grep -v '^#' /etc/fstab").text.splitlines()
    places = {line.split()[1]: line.split()[0] for line in lines if line.strip()}
    assert set(places) >= {"/boot", "/boot/efi"}
    assert all(source.startswith("UUID=") for source in places.values())


def test_users_of_the_tree_resolve(guest: Machine):
    assert guest.run("getent passwd sshd").text.startswith("sshd:")


def test_rpm_reads_the_package_database(guest: Machine, default_host: Installed):
    recorded = guest.run("rpm -qa | wc -l").text
    listed = subprocess.run(
        ["ostree", f"--repo={default_host.tree.repo}", "show",
         "--print-metadata-key=rpmostree.rpmdb.pkglist", default_host.tree.commit],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert int(recorded) == listed.count("('")
