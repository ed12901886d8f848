"""The deployments of a host as automatic updates see them."""

from __future__ import annotations

from pathlib import Path

from engine.cancel import CancelToken
from engine.differences.packages import package_changes
from engine.events import Emit
from engine.health.record import read_health
from engine.repo import Commit
from engine.revisions import base_commit
from engine.sysroot import Deployment, Sysroot
from engine.transactions.host import Host
from engine.transactions.preview import preview_upgrade
from engine.transactions.transaction import Execute
from engine.transactions.upgrade import HELD, Upgrade
from engine.updates.automatic import UpdateHeldError
from engine.updates.record import UpdateFound


class HostUpdater:
    """An `Updater`. execute: runs the upgrade, as `photree upgrade` runs it."""

    def __init__(self, sysroot: Path, execute: Execute, emit: Emit, cancel: CancelToken) -> None:
        self._path = sysroot
        self._execute = execute
        self._emit = emit
        self._cancel = cancel

    def check(self) -> UpdateFound | None:
        sysroot = Sysroot.load(self._path, writable=True)
        with sysroot.locked():
            sysroot.reload()  # what was changed before we got the lock
            host = Host.of(sysroot)
            preview = preview_upgrade(host, self._emit, self._cancel, thorough=False)
        return None if preview is None else _found(preview.commit, _base(host, host.current))

    def objection(self, found: UpdateFound) -> str:
        host = Host.of(Sysroot.load(self._path))
        if read_health(host.root).failure_of(found.checksum) is not None:
            return f"{found} failed its health checks on this machine; a newer one is awaited."
        former = [each for each in host.deployments if each.index > host.current.index]
        if any(_base(host, each).checksum == found.checksum for each in former):
            return f"This machine went back from {found}; a newer one is awaited."
        return ""

    def stage(self) -> UpdateFound | None:
        result = self._execute(Upgrade(sysroot=str(self._path), automatic=True), self._emit)
        if result.details.get(HELD):
            raise UpdateHeldError(result.message)
        host = Host.of(Sysroot.load(self._path))
        if host.pending is None:
            return None
        waiting, running = _base(host, host.pending), _base(host, host.current)
        return None if waiting.checksum == running.checksum else _found(waiting, running)


def _base(host: Host, deployment: Deployment) -> Commit:
    return base_commit(host.sysroot.repo, deployment.commit)


def _found(commit: Commit, running: Commit) -> UpdateFound:
    changes = package_changes(running, commit)
    return UpdateFound(
        commit.checksum, commit.version or "", commit.timestamp, str(changes) if changes else ""
    )
