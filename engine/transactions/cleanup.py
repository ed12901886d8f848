"""Remove deployments, leftovers and caches that are not needed any more."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.packages.host_repositories import metadata_cache
from engine.sysroot import Deployment
from engine.transactions.host import Host, HostTransaction
from engine.transactions.kept_refs import keep_only, update_kept_refs
from engine.transactions.transaction import Result

_METADATA = ("repomd", "solv")


@dataclass(frozen=True)
class Cleanup(HostTransaction):
    """pending, rollback: unpinned deployments before, after the booted one. base: what interrupted
    runs left, and objects without use. metadata: what was downloaded of the RPM repositories."""

    kind: ClassVar[str] = "cleanup"
    pending: bool = False
    rollback: bool = False
    base: bool = False
    metadata: bool = False

    @property
    def title(self) -> str:
        options = {"-p": self.pending, "-r": self.rollback, "-b": self.base, "-m": self.metadata}
        return " ".join(["cleanup", *(name for name, given in options.items() if given)])

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        if not (self.pending or self.rollback or self.base or self.metadata):
            raise OstreeError(
                "At least one cleanup option must be specified.", "See `photree cleanup --help`."
            )
        before = _free(host.sysroot.path)
        removed = self._remove_deployments(host, cancel)
        if self.base:
            cancel.check()
            update_kept_refs(host.sysroot)
            host.sysroot.clean()
            _remove_orphaned_locks(host.sysroot.repo.path / "tmp")
        cleared = self.metadata and _clear_metadata(metadata_cache(host.sysroot, host.osname))
        lines = [f"Removed deployment {deployment.id}" for deployment in removed]
        lines += [] if removed else ["Deployments unchanged."]
        freed = _free(host.sysroot.path) - before
        if freed > 0:
            lines.append(f"Freed: {freed / 10**6:.1f} MB")
        return Result(bool(removed or cleared or freed > 0), "\n".join(lines))

    def _remove_deployments(self, host: Host, cancel: CancelToken) -> list[Deployment]:
        current = host.current
        doomed = [
            each
            for each in host.deployments
            if not each.pinned
            and (
                (self.pending and each.index < current.index)
                or (self.rollback and each.index > current.index)
            )
        ]
        if doomed:
            cancel.check()
            gone = {each.id for each in doomed}
            kept = [each for each in host.sysroot.deployments if each.id not in gone]
            keep_only(host.sysroot, kept)
        return doomed


def _remove_orphaned_locks(folder: Path) -> None:
    """Of libostree's staging directories: it removes the directory first, and is killed there."""
    for path in folder.glob("staging-*-lock"):
        if path.with_name(path.name.removesuffix("-lock")).exists():
            continue
        with contextlib.suppress(OSError), path.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _clear_metadata(folder: Path) -> bool:
    """Whether there was any."""
    found = [folder / name for name in _METADATA if (folder / name).is_dir()]
    for path in found:
        shutil.rmtree(path)
    return bool(found)


def _free(path: Path) -> int:
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize
