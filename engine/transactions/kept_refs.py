"""Refs that keep what assembled deployments are made of: their base commits and packages.

The names are rpm-ostree's: rpmostree/base/N for base commits, rpmostree/pkg/... for packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.differences.packages import recorded_packages
from engine.packages.model import PackageId
from engine.packages.rpmfile import cache_ref
from engine.repo import Repo
from engine.revisions import base_commit
from engine.sysroot import Deployment, Sysroot

_BASE = "rpmostree/base"
_TEMPORARY = f"{_BASE}/tmp"  # noqa: S108 - a ref
_PACKAGES = "rpmostree/pkg"


def keep_base(repo: Repo, base: str) -> None:
    """Keep a base commit until the deployment that is made of it is there."""
    repo.set_ref(_TEMPORARY, base)


def update_kept_refs(sysroot: Sysroot) -> None:
    """Keep what the present deployments are made of, and nothing else.

    An interrupted run leaves refs too many, which the next one drops. Raises OstreeError.
    """
    repo, deployments = sysroot.repo, sysroot.deployments
    bases = dict.fromkeys(_bases(repo, deployments))
    wanted = {f"{_BASE}/{number}": base for number, base in enumerate(bases)}
    present = {ref: commit for ref, commit in repo.refs().items() if ref.startswith(f"{_BASE}/")}
    packages = {cache_ref(package) for package in _packages(repo, deployments)}
    unused = [ref for ref in repo.refs() if ref.startswith(f"{_PACKAGES}/") and ref not in packages]
    with repo.transaction() as transaction:
        for ref, commit in wanted.items():
            transaction.set_ref(ref, commit)
        for ref in [*(present.keys() - wanted.keys()), *unused]:
            transaction.set_ref(ref, None)


def keep_only(sysroot: Sysroot, deployments: Sequence[Deployment]) -> None:
    """Make these the deployments there are, and drop what the others were made of."""
    sysroot.write_order(deployments)
    update_kept_refs(sysroot)
    sysroot.clean()


def _bases(repo: Repo, deployments: Iterable[Deployment]) -> Iterator[str]:
    for deployment in deployments:
        base = base_commit(repo, deployment.commit).checksum
        if base != deployment.commit:
            yield base


def _packages(repo: Repo, deployments: Iterable[Deployment]) -> Iterator[PackageId]:
    """What is layered, and local packages, of which there is no other copy."""
    for deployment in deployments:
        origin = deployment.origin
        for entry in (
            *origin.requested_local_packages,
            *origin.requested_local_fileoverride_packages,
            *origin.local_replacements,
        ):
            yield PackageId.parse(entry.partition(":")[2])
        commit = repo.load_commit(deployment.commit)
        base = base_commit(repo, deployment.commit)
        if base.checksum != commit.checksum:
            below = set(recorded_packages(base) or ())
            yield from (each for each in recorded_packages(commit) or () if each not in below)
