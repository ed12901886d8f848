"""`photree auto-update` on a host in a pretended boot, with a real server."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.engine.transactions.conftest import VERSIONS, TestHost
from tests.engine.trees import run_python_booted
from tests.fleetlock import lock_server

ONE, TWO, THREE = VERSIONS

_VERBS = """
import subprocess, sys
for words in sys.argv[1:]:
    subprocess.run([sys.executable, "-m", "tui.cli", *words.split()])
"""


def booted(host: TestHost, configuration: str, *verbs: str) -> subprocess.CompletedProcess[str]:
    """Run verbs one after the other on the host's second deployment."""
    running = host.deployments[0]
    (running.path / "etc/photree.conf").write_text(configuration)
    return run_python_booted(host.path, running.path, "-c", _VERBS, *verbs)


def test_check_finds_the_newer_version_and_status_shows_it(host: TestHost) -> None:
    policy = "[Daemon]\nAutomaticUpdatePolicy=check\n"
    done = booted(host, policy, "auto-update", "status --json", "status")
    assert done.stdout.startswith(f"{THREE} is available.\n"), done.stderr
    document, _end = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{") :])
    assert document["cached-update"]["checksum"] == host.commits[THREE]
    assert document["automatic-updates"]["last-run"]["outcome"] == "available"
    assert "AvailableUpdate:" in done.stdout
    assert host.versions == [TWO, ONE]


def test_nothing_new_and_no_policy_are_said(host: TestHost) -> None:
    host.tip(TWO)
    done = booted(host, "[Daemon]\nAutomaticUpdatePolicy=check\n", "auto-update --random-delay")
    assert done.stdout == "No upgrade available.\n", done.stderr
    assert booted(host, "", "auto-update").stdout == "Automatic updates are not enabled.\n"


def test_a_mistake_in_the_file_is_an_error_and_no_update(host: TestHost) -> None:
    mistaken = "[Daemon]\nAutomaticUpdatePolicy=apply\nWindow=never\n"
    done = booted(host, mistaken, "auto-update", "status")
    assert "so there are none" in done.stderr
    assert "/etc/photree.conf:3: Window=: 'never' is no window" in done.stderr
    assert "AutomaticUpdates: disabled; the configuration is not valid" in done.stdout
    assert host.versions == [TWO, ONE]


@pytest.mark.parametrize("words", ["auto-update", "auto-update --steady"])
def test_it_needs_root(host: TestHost, words: str) -> None:
    running = host.deployments[0]
    done = run_python_booted(host.path, running.path, "-m", "tui.cli", *words.split(), uid=1000)
    assert done.returncode == 1
    assert "needs root" in done.stderr


def test_the_slot_is_given_back(host: TestHost) -> None:
    with lock_server() as server:
        server.holders["default"] = {"us"}
        held = {"base_url": server.url, "group": "default", "name": "us"}
        path = host.path / "ostree/deploy/photon/var/lib/photree/fleet-lock.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(held))
        done = booted(host, "", "auto-update --steady", "auto-update --steady")
        assert done.stdout == "The reboot slot was given back.\nThere was no slot.\n", done.stderr
        assert server.holders["default"] == set()
        assert not Path(path).exists()
