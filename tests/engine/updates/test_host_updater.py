"""The deployments of a real host, in a pretended boot, as the automatic updates see them."""

import json
from typing import Any

from tests.engine.transactions.conftest import VERSIONS, TestHost
from tests.engine.trees import run_python_booted

ONE, TWO, THREE = VERSIONS

# What is staged is noted in /run, which ends with the pretended boot: all is done in one.
_STEPS = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from engine.cancel import CancelToken
from engine.events import discard
from engine.sysroot import Sysroot
from engine.updates.host_updater import HostUpdater
cancel = CancelToken()
def execute(transaction, emit):
    return transaction.execute(emit, cancel)
updater = HostUpdater(Path("/"), execute, discard, cancel)
for step in sys.argv[1:]:
    found = getattr(updater, step)()
    print(json.dumps(found and asdict(found)))
print(json.dumps([deployment.staged for deployment in Sysroot.load().deployments]))
"""


def steps(host: TestHost, *names: str) -> list[Any]:
    """What each step found, and which deployments are staged at the end."""
    done = run_python_booted(host.path, host.deployments[0].path, "-c", _STEPS, *names)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_finds_stages_and_then_finds_what_is_staged(host: TestHost) -> None:
    found, staged, again, nothing, deployments = steps(host, "check", "stage", "stage", "check")
    assert (found["checksum"], found["version"]) == (host.commits[THREE], THREE)
    assert staged == again == found
    assert nothing is None
    assert deployments == [True, False, False]


def test_without_anything_new_nothing_is_staged(host: TestHost) -> None:
    host.tip(TWO)
    assert steps(host, "check", "stage") == [None, None, [False, False]]


def test_an_older_commit_is_no_update(host: TestHost) -> None:
    host.tip(ONE)
    assert steps(host, "check") == [None, [False, False]]
