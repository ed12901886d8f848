"""The custom host, installed over HTTP from a server of one's own, whose key it trusts."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.vm.conftest import Installed, booted
from tests.vm.machine import Machine


@pytest.fixture(scope="module")
def guest(custom_host: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with booted(custom_host, tmp_path_factory.mktemp("custom-host-vm")) as machine:
        machine.login()
        yield machine


def test_no_unit_failed(guest: Machine):
    result = guest.run("systemctl is-system-running --wait")
    assert result.output.strip() == "running", guest.run("systemctl --failed --no-pager").output


def test_it_runs_the_servers_commit(guest: Machine, custom_host: Installed):
    (deployment,) = json.loads(guest.run("photree status --json").text)["deployments"]
    assert deployment["checksum"] == custom_host.tree.commit


def test_it_stays_connected_to_the_server(guest: Machine, custom_host: Installed):
    assert guest.run("ostree remote show-url photon").text.endswith("/repo")


def test_its_commit_carries_a_good_signature(guest: Machine):
    assert re.search(r"GPGSignature: +Valid signature by", guest.run("photree status").text)


def test_root_is_xfs_and_swap_is_on(guest: Machine):
    assert guest.run("findmnt -no FSTYPE /sysroot").text == "xfs"
    assert "partition" in guest.run("cat /proc/swaps").text


def test_it_has_its_static_address_route_and_dns(guest: Machine):
    assert "10.0.2.77/24" in guest.run("ip -4 -o address show scope global").text
    assert "default via 10.0.2.2" in guest.run("ip route").text


def test_the_user_logs_in_by_ssh_and_becomes_root(guest: Machine, custom_host: Installed):
    # the forwarded port leads to the address QEMU's DHCP would have given: ask from inside
    assert guest.run("su - ada -c 'sudo -n true || echo lovelace | sudo -S id -un'").code == 0
    assert guest.run("stat -c '%U %a' /home/ada/.ssh/authorized_keys").text == "ada 600"


def test_services_are_as_asked(guest: Machine):
    assert guest.run("systemctl is-active nginx.service").text == "active"


def test_the_post_install_script_ran_inside_the_deployment(guest: Machine):
    assert guest.run("cat /etc/made-here").text == "made by the post-install script"
