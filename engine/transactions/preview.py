"""What an upgrade would bring, without deploying anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from engine.cancel import CancelToken
from engine.differences.etc import EtcConflict, etc_conflicts
from engine.differences.packages import (
    PackageDifferences,
    compare_packages,
    package_changes,
    recorded_packages,
)
from engine.events import Emit
from engine.health.record import Fallback
from engine.layering.plan import LayerPlan
from engine.objects import missing, present_objects, recorded_sizes
from engine.repo import Commit, Repo
from engine.transactions.host import Host, HostTransaction
from engine.transactions.next_deployment import NextDeployment
from engine.transactions.transaction import Result
from engine.transactions.upgrade import refuse_older, warn_of_failure

_KERNEL = "ostree.linux"
_PREVIEWED = ("/usr/etc", "/usr/share/rpm")  # what conflicts and layers are found out from


@dataclass(frozen=True)
class UpdatePreview:
    """commit: what the ref names; former: what the deployment that boots next is made of.

    packages: of the tree with what is layered on it, None when a commit has no package list.
    download: bytes that would be transferred at most, None when the commit does not say.
    conflicts: files of /etc that were changed on the machine and in the tree. failure: how the
    commit failed when the machine went back from it before.
    """

    commit: Commit
    former: Commit
    packages: PackageDifferences | None
    download: int | None
    conflicts: tuple[EtcConflict, ...] = ()
    failure: Fallback | None = None

    @property
    def kernels(self) -> tuple[str, str] | None:
        """The old and the new kernel's release, when they differ."""
        old, new = (str(each.metadata.get(_KERNEL, "")) for each in (self.former, self.commit))
        return (old, new) if old != new else None

    def details(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "checksum": self.commit.checksum,
            "version": self.commit.version,
            "timestamp": self.commit.timestamp,
            "former": {"checksum": self.former.checksum, "version": self.former.version},
            "packages": None if self.packages is None else _differences(self.packages),
            "download": self.download,
            "kernel": self.kernels,
            "etc-conflicts": [asdict(conflict) for conflict in self.conflicts],
            "failure": None if self.failure is None else _failure(self.failure),
        }


@dataclass(frozen=True)
class PreviewUpgrade(HostTransaction):
    """Look for a newer commit. The result is changed when there is one; details: see
    `UpdatePreview.details`. thorough: also plan the layers, and look into the new tree's /etc."""

    kind: ClassVar[str] = "preview-upgrade"
    thorough: bool = True
    allow_downgrade: bool = False

    @property
    def title(self) -> str:
        return "upgrade --preview" if self.thorough else "upgrade --check"

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        preview = preview_upgrade(
            host, emit, cancel, thorough=self.thorough, allow_downgrade=self.allow_downgrade
        )
        if preview is None:
            return Result(False)
        return Result(True, details=preview.details())


def preview_upgrade(
    host: Host, emit: Emit, cancel: CancelToken, *, thorough: bool, allow_downgrade: bool = False
) -> UpdatePreview | None:
    """What `Upgrade` would deploy; None when nothing is newer. Raises as `Upgrade`."""
    following = NextDeployment(host, emit, cancel)
    newest = host.newest
    origin = newest.origin.for_upgrade()
    former = following.base_of(newest)
    commit = following.look(origin)
    if commit.checksum == former.checksum:
        return None
    if not allow_downgrade:
        refuse_older(former, commit)
    failure = warn_of_failure(host, commit, emit)
    repo = following.repo
    packages = package_changes(former, commit)
    download = _download(repo, commit.checksum)
    conflicts: tuple[EtcConflict, ...] = ()
    if thorough:
        following.look_into(origin, commit, _PREVIEWED)
        conflicts = etc_conflicts(repo, host.current.path, host.current.commit, commit.checksum)
        plan = following.plan(origin, commit.checksum)
        if plan is not None:
            packages = _with_layers(repo.load_commit(newest.commit), commit, plan)
            download = None if download is None else download + plan.download_size
    return UpdatePreview(commit, former, packages, download, conflicts, failure)


def _with_layers(present: Commit, base: Commit, plan: LayerPlan) -> PackageDifferences | None:
    """Between a deployed tree and what the plan would make of a new base."""
    before, below = recorded_packages(present), recorded_packages(base)
    if before is None or below is None:
        return None
    gone = {*plan.removed, *(each.old for each in plan.replaced)}
    after = [*(each for each in below if each not in gone), *(each.id for each in plan.packages)]
    return compare_packages(before, after)


def _download(repo: Repo, commit: str) -> int | None:
    sizes = recorded_sizes(repo, commit)
    if not sizes:
        return None
    return sum(size.stored for size in missing(sizes, present_objects(repo)))


def _failure(failure: Fallback) -> Mapping[str, str]:
    return {"time": failure.time, "reason": failure.reason}


def _differences(packages: PackageDifferences) -> Mapping[str, Any]:
    return {
        "upgraded": [[each.name, each.old.evr, each.new.evr] for each in packages.upgraded],
        "downgraded": [[each.name, each.old.evr, each.new.evr] for each in packages.downgraded],
        "removed": [each.nevra for each in packages.removed],
        "added": [each.nevra for each in packages.added],
    }
