"""The deployments of a real host, in a pretended boot, as the automatic updates see them."""

import json
from typing import Any

import pytest

from engine.health.record import Fallback, HealthRecord, write_health
from engine.sysroot import Deployment
from engine.transactions.deploy import Deploy
from engine.transactions.rollback import Rollback
from tests.engine.transactions.conftest import VERSIONS, TestHost
from tests.engine.trees import run_python_booted

ONE, TWO, THREE = VERSIONS

# What is staged is noted in /run, which ends with the pretended boot: all is done in one.
# A step is a method of the updater, or a transaction that an administrator runs: "Class KEY=JSON".
_STEPS = """
import importlib, json, sys
from dataclasses import asdict
from pathlib import Path
from engine.cancel import CancelToken
from engine.errors import PhotreeError
from engine.events import discard
from engine.sysroot import Sysroot
from engine.updates.host_updater import HostUpdater
cancel = CancelToken()
modules = {"KernelArguments": "kernel_arguments"}
def execute(transaction, emit):
    return transaction.execute(emit, cancel)
def by_hand(name, *values):
    module = importlib.import_module(f"engine.transactions.{modules.get(name, name.lower())}")
    parsed = {key: json.loads(text) for key, text in (each.split("=", 1) for each in values)}
    parsed = {key: tuple(v) if isinstance(v, list) else v for key, v in parsed.items()}
    execute(getattr(module, name)(**parsed), discard)
updater = HostUpdater(Path("/"), execute, discard, cancel)
found = None
for step in sys.argv[1:]:
    name, *values = step.split()
    if name[0].isupper():
        by_hand(name, *values)
        continue
    try:
        if name == "objection":
            print(json.dumps(updater.objection(found)))
        else:
            found = getattr(updater, name)()
            print(json.dumps(found and asdict(found)))
    except PhotreeError as error:
        print(json.dumps(f"{type(error).__name__}: {error.message}"))
sysroot = Sysroot.load()
print(json.dumps([[sysroot.repo.load_commit(each.commit).version, each.staged,
                   "late=1" in each.kernel_arguments] for each in sysroot.deployments]))
"""


def steps(host: TestHost, *names: str, booted: Deployment | None = None) -> list[Any]:
    """What each step of the updater came to, and the deployments at the end: version, whether it
    is staged, whether it has the kernel argument."""
    running = booted or host.deployments[0]
    done = run_python_booted(host.path, running.path, "-c", _STEPS, *names)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_finds_stages_and_then_finds_what_is_staged(host: TestHost) -> None:
    found, staged, again, nothing, deployments = steps(host, "check", "stage", "stage", "check")
    assert (found["checksum"], found["version"]) == (host.commits[THREE], THREE)
    assert staged == again == found
    assert nothing is None
    assert deployments == [[THREE, True, False], [TWO, False, False], [ONE, False, False]]


def test_without_anything_new_nothing_is_staged(host: TestHost) -> None:
    host.tip(TWO)
    found, waiting, deployments = steps(host, "check", "stage")
    assert found is waiting is None
    assert len(deployments) == 2


@pytest.mark.parametrize("step", ["check", "stage"])
def test_an_older_commit_is_an_error_as_for_an_administrator(host: TestHost, step: str) -> None:
    host.tip(ONE)
    error, deployments = steps(host, step)
    assert error.startswith(f"OstreeError: The commit {host.commits[ONE]} of ")
    assert "is older than the present one" in error
    assert len(deployments) == 2


def test_a_rollback_that_waits_for_its_reboot_is_not_undone(host: TestHost) -> None:
    booted = host.deployments[0]
    host.run(Rollback)
    found, held, deployments = steps(host, "check", "stage", booted=booted)
    assert found["version"] == THREE
    assert held.startswith(f"UpdateHeldError: {ONE} was chosen for the next boot")
    assert [version for version, *_ in deployments] == [ONE, TWO]


def test_the_version_that_was_rolled_back_from_is_not_taken_again_but_a_newer_one(
    host: TestHost,
) -> None:
    host.tip(TWO)
    host.run(Rollback)
    found, objection, _deployments = steps(host, "check", "objection")
    assert (found["version"], objection) == (
        TWO,
        f"This machine went back from {TWO}; a newer one is awaited.",
    )
    host.tip(THREE)
    found, objection, staged, _deployments = steps(host, "check", "objection", "stage")
    assert (found["version"], objection, staged["version"]) == (THREE, "", THREE)


def test_a_version_that_failed_its_checks_here_is_not_taken_again(host: TestHost) -> None:
    commit = host.commits[THREE]
    failure = Fallback("photon-x.0", THREE, commit, "photon-y.0", "it did not start", "2026")
    write_health(HealthRecord().fell_back(failure, ()), host.path / "ostree/deploy/photon")
    _found, objection, _deployments = steps(host, "check", "objection")
    assert objection == f"{THREE} failed its health checks on this machine; a newer one is awaited."


def test_a_deployed_version_stays_before_and_after_the_reboot(host: TestHost) -> None:
    held, deployments = steps(host, f'Deploy revision="{ONE}"', "stage")
    message = f"UpdateHeldError: {ONE} was deployed to stay, until somebody runs `photree upgrade`."
    assert held == message
    assert deployments[0] == [ONE, True, False]
    host.run(Deploy, revision=ONE)
    held, deployments = steps(host, "stage")
    assert held == message
    assert deployments == [[ONE, False, False], [TWO, False, False]]


def test_another_ref_that_waits_for_its_reboot_is_not_upgraded(host: TestHost) -> None:
    other = "photon/6.0/x86_64/minimal"
    host.publish("6.0_minimal", ref=other)
    held, deployments = steps(host, f'Rebase refspec="photon:{other}"', "stage")
    assert held.startswith(f"UpdateHeldError: 6.0_minimal of photon:{other} was chosen")
    assert deployments[0][0] == "6.0_minimal"


def test_a_deployment_that_waits_for_finalize_deployment_goes_on_waiting(host: TestHost) -> None:
    host.tip(TWO)
    kept = steps(host, "Upgrade lock_finalization=true", "stage")
    assert kept[0] is None  # nothing new, so nothing is staged or locked
    host.tip(THREE)
    held, deployments = steps(host, "Upgrade lock_finalization=true", "stage")
    assert (
        held == f"UpdateHeldError: {THREE} is staged, and waits for `photree finalize-deployment`."
    )
    assert deployments[0] == [THREE, True, False]


def test_an_update_carries_along_what_an_administrator_changed(host: TestHost) -> None:
    host.tip(TWO)
    kargs = 'KernelArguments append=["late=1"]'
    waiting, deployments = steps(host, kargs, "stage")
    assert waiting is None  # no reason to reboot
    assert deployments[0] == [TWO, True, True]
    host.tip(THREE)
    waiting, deployments = steps(host, kargs, "stage")
    assert waiting["version"] == THREE
    assert deployments[0] == [THREE, True, True]
