"""Transactions that are killed in the middle, by SIGKILL: what they leave boots, and goes on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine.remotes import RemoteConfig, add_remote
from engine.transactions.cleanup import Cleanup
from engine.transactions.packages import ChangePackages
from engine.transactions.rebase import Rebase
from engine.transactions.rollback import Rollback
from engine.transactions.transaction import Transaction
from engine.transactions.upgrade import Upgrade
from tests.engine.transactions.conftest import TestHost
from tests.engine.transactions.dying import Dying
from tests.engine.transactions.test_packages import (
    EDITOR,
    EXTRA,
    PackageHost,
    base_packages,
    builds,
)
from tests.engine.transactions.test_packages import host as package_host
from tests.engine.trees import many_files, ostree

__all__ = ["base_packages", "builds", "package_host"]


@pytest.fixture(scope="session")
def dying(tmp_path_factory: pytest.TempPathFactory) -> Dying:
    return Dying.build(tmp_path_factory.mktemp("dying"))


def order(host: TestHost) -> list[str]:
    return [each.id for each in host.deployments]


def commits(host: TestHost) -> list[str]:
    return [each.commit for each in host.deployments]


@contextmanager
def copied(host: TestHost) -> Iterator[TestHost]:
    """Another host like this one, with the same server."""
    path = host.path.with_name("copy")
    subprocess.run(["cp", "--archive", host.path, path], check=True)
    try:
        yield replace(host, path=path)
    finally:
        for root in path.glob("ostree/deploy/*/deploy/*.[0-9]"):
            subprocess.run(["chattr", "-i", root], check=True)
        shutil.rmtree(path)


def assert_boots(host: TestHost) -> None:
    """Every deployment has its directory, its boot entry, and what that leads to."""
    deployments = host.deployments
    status = host.admin_status()
    entries = sorted((host.path / "boot/loader/entries").glob("*.conf"))
    assert len(entries) == len(deployments)
    for each in deployments:
        assert f"{each.commit}.{each.serial}" in status
        assert (each.path / "usr/lib/os-release").is_file()
        assert (each.path / "etc").is_dir()
    for entry in entries:
        values = dict(line.split(maxsplit=1) for line in entry.read_text().splitlines())
        assert (host.path / "boot" / values["linux"].removeprefix("/boot").lstrip("/")).is_file()
        assert (host.path / "boot" / values["initrd"].removeprefix("/boot").lstrip("/")).is_file()
        root = next(word for word in values["options"].split() if word.startswith("ostree="))
        assert (host.path / root.removeprefix("ostree=/")).resolve() in {
            each.path for each in deployments
        }


def assert_tidy(host: TestHost) -> None:
    """Nothing is left that belongs to no deployment."""
    host.run(Cleanup, base=True)
    repo = host.repo.path
    ostree("fsck", "--quiet", f"--repo={repo}")
    private = repo / "extensions/rpmostree/private"
    assert [path.name for path in private.glob("*")] in ([], ["lock"])
    assert [path.name for path in (repo / "tmp").iterdir()] in ([], ["cache"])
    assert str(host.path) not in Path("/proc/self/mountinfo").read_text()
    roots = {path for path in host.path.glob("ostree/deploy/*/deploy/*") if path.is_dir()}
    assert roots == {each.path for each in host.deployments}
    refs = {ref for ref in host.repo.refs() if ref.startswith(("ostree/", "rpmostree/base/"))}
    assert "rpmostree/base/tmp" not in refs
    assert {host.repo.refs()[ref] for ref in refs if ref.startswith("ostree/")} == {
        each.commit for each in host.deployments
    }


def assert_survives(
    host: TestHost,
    dying: Dying,
    transaction: type[Transaction],
    points: int,
    values: Mapping[str, object],
) -> None:
    """Kill it at points spread over all of its run, each time on a host that is as before."""
    old = order(host)
    with copied(host) as one:
        changes = dying.count(one.path, transaction, values)
        new, reached = order(one), commits(one)
        assert_tidy(one)
    assert new != old
    seen = []
    for number in range(points):
        with copied(host) as one:
            dying.kill(one.path, transaction, values, 1 + changes * number // points)
            assert_boots(one)
            seen.append(order(one))
            assert seen[-1] in (old, new)
            if seen[-1] == old:
                one.run(transaction, **values)
            assert commits(one) == reached  # under another serial, if one was left half made
            assert_boots(one)
            assert_tidy(one)
    assert old in seen  # or nothing was interrupted


def test_an_upgrade(host: TestHost, dying: Dying) -> None:
    host.publish("5.0_minimal.3", **many_files(30))
    assert_survives(host, dying, Upgrade, 5, {})


def test_an_installation_of_packages(package_host: PackageHost, dying: Dying) -> None:
    values = {"install": ("tool", "extra")}
    assert_survives(package_host, dying, ChangePackages, 6, values)


def test_an_upgrade_with_packages(package_host: PackageHost, dying: Dying) -> None:
    package_host.change(install=("tool",))
    package_host.compose(EDITOR, EXTRA)
    assert_survives(package_host, dying, Upgrade, 3, {})


def test_a_rollback(host: TestHost, dying: Dying) -> None:
    assert_survives(host, dying, Rollback, 4, {})


def test_a_rebase(host: TestHost, dying: Dying) -> None:
    ref = "photon/6.0/x86_64/minimal"
    host.publish("6.0_minimal", ref=ref, **many_files(10))
    add_remote(host.repo, RemoteConfig("other", host.url, gpg_verify=False))
    assert_survives(host, dying, Rebase, 4, {"refspec": f"other:{ref}"})
