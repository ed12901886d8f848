"""Remove deployments, leftovers and caches that are not needed any more."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.sysroot import Deployment
from engine.transactions.host import Host, HostTransaction
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
        if self.base or removed:
            cancel.check()
            host.sysroot.clean()
        cleared = self.metadata and _clear_metadata(metadata_folder(host))
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
            host.sysroot.write_order(kept)
        return doomed


def metadata_folder(host: Host) -> Path:
    """Where the metadata of RPM repositories is kept: rpm-ostree's folder."""
    if host.sysroot.is_booted:
        return Path("/var/cache/rpm-ostree")
    return host.sysroot.path / "ostree/deploy" / host.osname / "var/cache/rpm-ostree"


def _clear_metadata(folder: Path) -> bool:
    """Whether there was any."""
    found = [folder / name for name in _METADATA if (folder / name).is_dir()]
    for path in found:
        shutil.rmtree(path)
    return bool(found)


def _free(path: Path) -> int:
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize
