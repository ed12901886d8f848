"""The deployments of a host as automatic updates see them."""

from __future__ import annotations

from pathlib import Path

from engine.cancel import CancelToken
from engine.differences.packages import package_changes
from engine.events import Emit
from engine.repo import Commit
from engine.sysroot import Sysroot
from engine.transactions.host import Host
from engine.transactions.next_deployment import NextDeployment
from engine.transactions.transaction import Execute
from engine.transactions.upgrade import Upgrade
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
            host = Host.of(sysroot)
            following = NextDeployment(host, self._emit, self._cancel)
            origin = host.newest.origin.carried_over().with_override_commit(None)
            newest = following.look(origin)
            present = following.base_of(host.newest)
            running = following.base_of(host.current)
        if newest.checksum == present.checksum or newest.timestamp < present.timestamp:
            return None
        return _found(newest, running)

    def stage(self) -> UpdateFound | None:
        self._execute(Upgrade(sysroot=str(self._path)), self._emit)
        sysroot = Sysroot.load(self._path)
        host = Host.of(sysroot)
        waiting = host.pending
        if waiting is None:
            return None
        following = NextDeployment(host, self._emit, self._cancel)
        return _found(following.base_of(waiting), following.base_of(host.current))


def _found(commit: Commit, running: Commit) -> UpdateFound:
    changes = package_changes(running, commit)
    return UpdateFound(
        commit.checksum, commit.version or "", commit.timestamp, str(changes) if changes else ""
    )
