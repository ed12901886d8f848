"""GRUB itself leaves a deployment that never gets to its health checks."""

import json
from pathlib import Path

import pytest

from tests.vm.conftest import Installed, booted
from tests.vm.machine import Machine


def first(guest: Machine) -> dict[str, object]:
    found: list[dict[str, object]] = json.loads(guest.run("photree status --json").text)[
        "deployments"
    ]
    return found[0]


@pytest.mark.parametrize("firmware", ["bios", pytest.param("uefi", marks=pytest.mark.guide)])
def test_a_deployment_whose_kernel_panics_is_left_for_the_former_one(
    default_host: Installed, firmware: str, tmp_path: Path
):
    with booted(default_host, tmp_path, firmware=firmware, memory_mb=1536) as guest:
        guest.login()
        assert "panic=30" in guest.run("cat /proc/cmdline").text
        before = first(guest)
        change = "photree kargs --append=init=/usr/bin/false --replace=panic=1"
        assert guest.run(change).code == 0
        guest.reboot()
        guest.login()
        assert first(guest)["id"] == before["id"]
        assert first(guest)["booted"]
        assert "init=" not in guest.run("cat /proc/cmdline").text
        status = guest.run("photree status").text
        assert "fell back from" in status
        assert "it did not start" in status
