"""Which packages two commits have, and what differs.

Commits carry their package list; of those that do not, the rpm database in the tree is read.
librpm is loaded only when versions must be put in order, or a database read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from pathlib import Path

from engine.packages.model import PackageId
from engine.repo import Commit, Repo

_LIST = "rpmostree.rpmdb.pkglist"


@dataclass(frozen=True, order=True)
class PackageChange:
    """A package of which there was another version (or, as the only one, another architecture)."""

    old: PackageId
    new: PackageId

    @property
    def name(self) -> str:
        return self.new.name


@dataclass(frozen=True)
class PackageDifferences:
    """Each part is sorted by name. False when there is no difference."""

    upgraded: tuple[PackageChange, ...] = ()
    downgraded: tuple[PackageChange, ...] = ()
    removed: tuple[PackageId, ...] = ()
    added: tuple[PackageId, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.upgraded or self.downgraded or self.removed or self.added)

    @property
    def counts(self) -> dict[str, int]:
        """ "upgraded", "downgraded", "removed" and "added", each with its number."""
        return {
            "upgraded": len(self.upgraded),
            "downgraded": len(self.downgraded),
            "removed": len(self.removed),
            "added": len(self.added),
        }

    def __str__(self) -> str:
        """As rpm-ostree: "2 upgraded, 1 added"; empty without any."""
        return ", ".join(f"{count} {what}" for what, count in self.counts.items() if count)

    def lines(self) -> Iterator[str]:
        """As rpm-ostree prints differences: "Upgraded:", "  NAME OLD -> NEW" ..."""
        for title, changes in (("Upgraded", self.upgraded), ("Downgraded", self.downgraded)):
            if changes:
                yield f"{title}:"
            for change in changes:
                yield f"  {change.name} {change.old.evr} -> {change.new.evr}"
        for title, packages in (("Removed", self.removed), ("Added", self.added)):
            if packages:
                yield f"{title}:"
            for package in packages:
                yield f"  {package.nevra}"


def package_differences(repo: Repo, old: str, new: str) -> PackageDifferences:
    """Between two revisions that the repository has. Raises as `package_list`."""
    return compare_packages(package_list(repo, old), package_list(repo, new))


def package_list(repo: Repo, rev: str) -> tuple[PackageId, ...]:
    """The packages of a commit, sorted by name.

    Raises OstreeError when there is no such commit, PackageError when it has neither a package
    list nor an rpm database that can be read.
    """
    commit = repo.load_commit(rev)
    found = recorded_packages(commit)
    if found is not None:
        return found
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - with the other, costs 4 ms

    from engine.packages.base_database import BaseDatabase  # noqa: PLC0415 - loads librpm

    with TemporaryDirectory(prefix="photree-rpmdb-") as folder:
        database = BaseDatabase.of(repo, commit.checksum, Path(folder))
    return tuple(sorted(header.id for header in database.packages))


def recorded_packages(commit: Commit) -> tuple[PackageId, ...] | None:
    """The package list that the commit carries, sorted; None when it carries none."""
    packages = commit.metadata.get(_LIST)
    if packages is None:
        return None
    return tuple(
        sorted(
            PackageId(name, int(epoch or 0), version, release, arch)
            for name, epoch, version, release, arch in packages
        )
    )


def package_changes(old: Commit, new: Commit) -> PackageDifferences | None:
    """From the lists that two commits carry; None when one carries none."""
    before, after = recorded_packages(old), recorded_packages(new)
    return None if before is None or after is None else compare_packages(before, after)


def compare_packages(old: Iterable[PackageId], new: Iterable[PackageId]) -> PackageDifferences:
    """Of packages that are there in several versions (kernels), those on both sides are no
    difference; of the rest the newest ones belong together."""
    before, after = set(old), set(new)
    gone, come = _by_name(before - after), _by_name(after - before)
    counts = [Counter(each.name for each in side) for side in (before, after)]
    changes: list[PackageChange] = []
    removed: list[PackageId] = []
    added: list[PackageId] = []
    for name in gone.keys() | come.keys():
        lost, gained = gone.get(name, []), come.get(name, [])
        only_one = counts[0][name] == counts[1][name] == 1
        pairs = list(zip(lost, gained, strict=True)) if only_one else list(_pairs(lost, gained))
        changes += [PackageChange(one, other) for one, other in pairs]
        removed += set(lost) - {one for one, _ in pairs}
        added += set(gained) - {other for _, other in pairs}
    changes.sort()
    order = [compare_versions(change.new, change.old) for change in changes]
    return PackageDifferences(
        upgraded=tuple(each for each, sign in zip(changes, order, strict=True) if sign >= 0),
        downgraded=tuple(each for each, sign in zip(changes, order, strict=True) if sign < 0),
        removed=tuple(sorted(removed)),
        added=tuple(sorted(added)),
    )


def compare_versions(one: PackageId, other: PackageId) -> int:
    """Negative when one is older than other, 0 when they are equally new, as rpm sees it."""
    import rpm  # noqa: PLC0415 - costs 10 ms, needed only when something changed

    labels = [(str(each.epoch), each.version, each.release) for each in (one, other)]
    return int(rpm.labelCompare(*labels))


def _by_name(packages: Iterable[PackageId]) -> dict[str, list[PackageId]]:
    found: dict[str, list[PackageId]] = defaultdict(list)
    for package in packages:
        found[package.name].append(package)
    return found


def _pairs(
    lost: Sequence[PackageId], gained: Sequence[PackageId]
) -> Iterator[tuple[PackageId, PackageId]]:
    """Packages of the same name that are versions of one another: newest with newest."""
    for arch in sorted({package.arch for package in lost}):
        sides = [[each for each in side if each.arch == arch] for side in (lost, gained)]
        newest_first = cmp_to_key(compare_versions)
        before, after = (sorted(side, key=newest_first, reverse=True) for side in sides)
        yield from zip(before, after, strict=False)
