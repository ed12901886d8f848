"""`photree health` on a host in a pretended boot."""

import json
import subprocess

import pytest

from engine.health.machine import put_first
from engine.health.record import read_health
from engine.sysroot import Deployment, Sysroot
from tests.engine.transactions.conftest import VERSIONS, TestHost
from tests.engine.trees import run_python_booted

ONE, TWO, _THREE = VERSIONS


def health(
    host: TestHost, running: Deployment, *words: str, uid: int = 0
) -> subprocess.CompletedProcess[str]:
    return run_python_booted(host.path, running.path, "-m", "tui.cli", "health", *words, uid=uid)


def add_check(running: Deployment, name: str, script: str) -> None:
    path = running.path / "etc/photree/health.d" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_good_boot_is_on_record(host: TestHost) -> None:
    running = host.deployments[0]
    assert health(host, running).stdout == "The running deployment was not looked at yet.\n"
    add_check(running, "10-good", "exit 0")
    done = health(host, running, "judge")
    assert (done.returncode, done.stdout) == (0, f"{TWO} is healthy (1 check).\n"), done.stderr
    shown = health(host, running, uid=1000)
    assert shown.stdout.startswith("Health: healthy (1 check, ")
    assert "10-good" in shown.stdout
    values = json.loads(health(host, running, "--json").stdout)
    assert (values["healthy"], values["checks"][0]["name"]) == (True, "10-good")


def test_a_bad_boot_of_a_new_deployment_puts_the_former_one_first(host: TestHost) -> None:
    former, running = host.deployments[1], host.deployments[0]
    add_check(running, "10-bad", "echo no answer; exit 1")
    done = health(host, running, "judge")
    assert done.returncode == 1
    assert done.stdout.endswith(f"no answer. Going back to {ONE}.\n"), done.stderr
    assert host.versions == [ONE, TWO]
    assert ONE in host.admin_status()
    record = read_health(host.path / "ostree/deploy/photon")
    assert record.failure_of(host.commits[TWO]).version == TWO
    assert record.trusts(former.id)
    add_check(former, "10-bad", "exit 1")
    again = health(host, host.deployments[0], "judge")
    assert (again.returncode, host.versions) == (1, [ONE, TWO])
    assert "Going back" not in again.stdout
    shown = health(host, host.deployments[0])
    assert shown.returncode == 1
    assert shown.stdout.startswith(f"Health: fell back from {TWO} (check 10-bad failed: ")


def test_check_changes_nothing(host: TestHost) -> None:
    running = host.deployments[0]
    assert health(host, running, "check").stdout == "There are no checks.\n"
    add_check(running, "10-bad", "exit 1")
    done = health(host, running, "check")
    assert (done.returncode, host.versions) == (1, [TWO, ONE])
    assert "10-bad" in done.stdout
    assert "not looked at yet" in health(host, running).stdout


def test_limits_come_from_the_configuration_and_its_mistakes_do_not_stop_the_checks(
    host: TestHost,
) -> None:
    running = host.deployments[0]
    (running.path / "etc/photree.conf").write_text("[Health]\nCheckTimeout=1s\nBootTries=many\n")
    add_check(running, "10-hangs", "sleep 1000")
    done = health(host, running, "check")
    assert "did not end within 1 s" in done.stdout
    assert "photree.conf:3" in done.stderr


def test_before_the_machine_stops_it_says_what_boots_next(host: TestHost) -> None:
    done = health(host, host.deployments[0], "prepare-boot")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{TWO} boots next; its boots cannot be counted: ")


@pytest.mark.parametrize("word", ["check", "judge", "prepare-boot"])
def test_changes_need_root(host: TestHost, word: str) -> None:
    done = health(host, host.deployments[0], word, uid=1000)
    assert done.returncode == 1
    assert f"health {word} needs root" in done.stderr


def test_a_machine_that_is_no_ostree_host_is_told(host: TestHost) -> None:
    put_first(host.path, host.deployments[1].id)
    assert host.versions == [ONE, TWO]
    assert Sysroot.load(host.path).booted is None
