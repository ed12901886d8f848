"""The deployments of the running machine, as their health is judged."""

from __future__ import annotations

from pathlib import Path

from engine.errors import OstreeError
from engine.health.judge import Entry
from engine.repo import Repo
from engine.revisions import base_commit
from engine.sysroot import Deployment, Sysroot


def boot_entries(sysroot: Sysroot) -> tuple[Entry, ...]:
    """Of the booted stateroot, in boot order. Raises OstreeError when this is no OSTree host."""
    booted = sysroot.booted
    if booted is None:
        raise OstreeError(
            f"{sysroot.path} was not booted, so there is nothing to judge.",
            "Run this on the machine itself.",
        )
    repo = sysroot.repo
    mine = (each for each in sysroot.deployments if each.osname == booted.osname)
    return tuple(_entry(repo, each) for each in mine)


def put_first(root: Path, deployment: str) -> None:
    """Let the deployment with this id boot by default; one that is staged is dropped.

    Raises OstreeError.
    """
    sysroot = Sysroot.load(root, writable=True)
    with sysroot.locked():
        sysroot.reload()
        kept = [each for each in sysroot.deployments if not each.staged]
        target = next((each for each in kept if each.id == deployment), None)
        if target is None:
            raise OstreeError(f"There is no deployment {deployment} any more.")
        sysroot.write_order([target, *(each for each in kept if each.id != deployment)])


def _entry(repo: Repo, deployment: Deployment) -> Entry:
    commit = repo.load_commit(deployment.commit)
    return Entry(
        id=deployment.id,
        version=commit.version or commit.checksum[:10],
        commit=base_commit(repo, deployment.commit).checksum,
        booted=deployment.booted,
        staged=deployment.staged,
    )
