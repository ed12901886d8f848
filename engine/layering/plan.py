"""What layering would change, known before anything is written: one plan to show and to carry out.

A request that the base tree fulfils is inactive: it stays in the origin, and is layered again when
a later base tree no longer has it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import rpm

from engine.cancel import CancelToken
from engine.errors import PackageError
from engine.events import Emit, LogLine
from engine.layering.changes import LocalChanges
from engine.layering.local_packages import LocalPackage, open_local
from engine.layering.resolve import Solution, Wanted, resolve_layers
from engine.layering.sources import PackageSources
from engine.packages.base_database import BaseDatabase
from engine.packages.model import PackageId, RepositoryMetadata, ResolvedPackage
from engine.packages.nearby import meant
from engine.packages.rpmfile import RpmHeader
from engine.packages.rpmmd import Repository
from engine.packages.solver import UnsolvableError
from engine.packages.stored import stored_package
from engine.repo import Repo

# raised when the same input gives another tree than before
_LAYERING_VERSION = 1
_GLOB = frozenset("*?[")
_NO_REPOSITORY = "No package repository is configured: put .repo files into /etc/yum.repos.d."


@dataclass(frozen=True)
class NewPackage:
    """A package that the tree gets. resolved: where to get it, if it comes from a repository;
    entry: "SHA256:NEVRA" of a local one. commit: of the unpacked package, empty if it has to be
    imported first."""

    id: PackageId
    installed_size: int
    resolved: ResolvedPackage | None = None
    entry: str = ""
    commit: str = ""

    @property
    def download_size(self) -> int:
        """Bytes that are still to be downloaded."""
        return self.resolved.size if self.resolved is not None and not self.commit else 0

    @property
    def identity(self) -> str:
        """What the content depends on."""
        checksum = self.resolved.checksum if self.resolved is not None else self.entry
        return f"{self.id.nevra} {checksum}"


@dataclass(frozen=True)
class Replacement:
    """A package of the base tree and what takes its place."""

    old: PackageId
    new: PackageId


@dataclass(frozen=True)
class Inactive:
    """A change that the base tree makes needless. request: as in the origin. kind: requested,
    local, remove or replace. message and hint: why, for the user."""

    request: str
    kind: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class LayerPlan:
    """base: the commit to build on. packages: all that is new, replacements too, in the order of
    installation. state: a digest of all input; the same one means the same tree."""

    base: str
    changes: LocalChanges
    packages: tuple[NewPackage, ...]
    removed: tuple[PackageId, ...]
    replaced: tuple[Replacement, ...]
    inactive: tuple[Inactive, ...]
    repositories: tuple[RepositoryMetadata, ...]
    state: str
    sources: PackageSources

    @property
    def added(self) -> tuple[NewPackage, ...]:
        """Packages that the base tree has in no version."""
        replacing = {replacement.new for replacement in self.replaced}
        return tuple(package for package in self.packages if package.id not in replacing)

    @property
    def is_empty(self) -> bool:
        """Whether the base commit itself is what was asked for."""
        return not (self.packages or self.removed or self.changes.makes_initramfs)

    @property
    def download_size(self) -> int:
        return sum(package.download_size for package in self.packages)

    @property
    def installed_size(self) -> int:
        """Bytes of the new packages' files."""
        return sum(package.installed_size for package in self.packages)

    @property
    def active_requests(self) -> tuple[str, ...]:
        """What of the requested names is layered, as `rpmostree.packages` records it."""
        return _active(self.changes, self.inactive)

    def require_active(self, requests: Iterable[str]) -> None:
        """For what a user asks for right now: raises PackageError for the first that is inactive.

        requests: as in the origin.
        """
        for request in requests:
            for each in self.inactive:
                if each.request == request:
                    raise PackageError(each.message, each.hint)


def plan_layers(
    repo: Repo,
    base: str,
    changes: LocalChanges,
    sources: PackageSources,
    *,
    emit: Emit,
    cancel: CancelToken,
    arch: str | None = None,
    recommends: bool = True,
) -> LayerPlan:
    """Find out what the changes mean for the base commit; nothing is written but metadata caches.

    The repositories are only asked for metadata if the base tree and the local packages do not
    fulfil everything. arch: of the machine. Raises UnsolvableError (not found, conflicts: in
    words), PackageError, NetworkError, SignatureError, Cancelled.
    """
    with tempfile.TemporaryDirectory(prefix="photree-layers-") as scratch:
        folder = Path(scratch)
        database = BaseDatabase.of(repo, base, folder / "rpm")
        sorting = _Sorting(database, changes)
        wanted = Wanted(
            changes.requested,
            sorting.local(open_local(repo, _local_entries(changes), folder)),
            sorting.replacements(open_local(repo, changes.replacements, folder)),
            sorting.removals(),
        )
        machine = arch or os.uname().machine

        def solve(repositories: Sequence[Repository]) -> Solution:
            return resolve_layers(
                database, wanted, repositories, machine, cancel, recommends=recommends
            )

        solution = _solve(solve, changes, lambda: sources.load(emit, cancel))
    inactive = (*sorting.inactive, *_provided(solution))
    for each in inactive:
        emit(LogLine(f"Inactive: {each.message}"))
    packages = tuple(_new_package(repo, package) for package in solution.packages)
    replaced = tuple(_replaced(database, wanted))
    removed = tuple(each.id for name in wanted.removals for each in database.named(name))
    return LayerPlan(
        base,
        changes,
        packages,
        removed,
        replaced,
        inactive,
        solution.repositories,
        _state(base, changes, _active(changes, inactive), packages, removed),
        sources,
    )


def _active(changes: LocalChanges, inactive: Iterable[Inactive]) -> tuple[str, ...]:
    provided = {each.request for each in inactive if each.kind == "requested"}
    return tuple(name for name in changes.requested if name not in provided)


def _solve(
    solve: Callable[[Sequence[Repository]], Solution],
    changes: LocalChanges,
    load: Callable[[], Sequence[Repository]],
) -> Solution:
    """Without repositories if that is enough: a server that is down must not stop a local package.
    A glob may stand for more than is known without them."""
    if not any(set(name) & _GLOB for name in changes.requested):
        with contextlib.suppress(UnsolvableError):
            return solve(())
    repositories = load()
    try:
        return solve(repositories)
    except UnsolvableError as error:
        if not repositories:
            error.hint = error.hint or _NO_REPOSITORY
        raise


class _Sorting:
    """Tells which changes the base tree makes needless; `inactive` collects those."""

    def __init__(self, base: BaseDatabase, changes: LocalChanges) -> None:
        self._base = base
        self._changes = changes
        self._names = {package.name for package in base.packages}
        self.inactive: list[Inactive] = []

    def removals(self) -> tuple[str, ...]:
        active = []
        for name in dict.fromkeys(self._changes.removals):
            if name in self._names:
                active.append(name)
            else:
                self._not_found(name, name, "remove")
        return tuple(active)

    def replacements(self, packages: Sequence[LocalPackage]) -> tuple[LocalPackage, ...]:
        active = []
        for package in packages:
            found = self._base.named(package.rpm.name)
            if not found:
                self._not_found(package.entry, package.rpm.name, "replace")
            elif any(each.id == package.rpm.id for each in found):
                message = f"{package.rpm.nevra} is already in the base tree."
                self.inactive.append(Inactive(package.entry, "replace", message))
            else:
                active.append(package)
        return tuple(active)

    def local(self, packages: Sequence[LocalPackage]) -> tuple[LocalPackage, ...]:
        """Raises PackageError for one that the base tree has in an older version."""
        active = []
        removed = set(self._changes.removals)
        for package in packages:
            found = () if package.rpm.name in removed else self._base.named(package.rpm.name)
            if not found:
                active.append(package)
            elif any(_at_least(each, package.rpm) for each in found):
                message = f'"{package.rpm.nevra}" is already provided by: {found[-1].nevra}.'
                hint = "Use --allow-inactive to explicitly require it."
                self.inactive.append(Inactive(package.entry, "local", message, hint))
            else:
                raise PackageError(
                    f"{package.rpm.nevra} cannot be added: the base tree has {found[-1].nevra}.",
                    f"Use `override replace` to have it instead of {found[-1].nevra}.",
                )
        return tuple(active)

    def _not_found(self, request: str, name: str, kind: str) -> None:
        near = meant(name, self._names, 3)
        hint = f"{near[0].upper()}{near[1:]}" if near else "See `db list` for the tree's packages."
        self.inactive.append(Inactive(request, kind, f'Package "{name}" not found.', hint))


def _local_entries(changes: LocalChanges) -> tuple[str, ...]:
    return (*changes.local, *changes.local_fileoverride)


def _at_least(package: RpmHeader, other: RpmHeader) -> bool:
    """Whether package is as new as the other one, or newer."""
    pair = [(str(each.epoch), each.version, each.release) for each in (package, other)]
    return bool(rpm.labelCompare(*pair) >= 0)


def _provided(solution: Solution) -> Iterator[Inactive]:
    for request, packages in solution.provided.items():
        yield Inactive(
            request,
            "requested",
            f'"{request}" is already provided by: {", ".join(packages)}.',
            "Use --allow-inactive to explicitly require it.",
        )


def _new_package(repo: Repo, package: LocalPackage | ResolvedPackage) -> NewPackage:
    if isinstance(package, LocalPackage):
        size = int(package.rpm.header[rpm.RPMTAG_LONGSIZE] or 0)
        return NewPackage(package.rpm.id, size, entry=package.entry, commit=package.stored.commit)
    stored = stored_package(repo, package.id)
    there = stored is not None and stored.repodata_checksum == str(package.checksum)
    commit = stored.commit if stored is not None and there else ""
    return NewPackage(package.id, package.installed_size, package, commit=commit)


def _replaced(base: BaseDatabase, wanted: Wanted) -> Iterator[Replacement]:
    for package in wanted.replacements:
        for old in base.named(package.rpm.name):
            yield Replacement(old.id, package.rpm.id)


def _state(
    base: str,
    changes: LocalChanges,
    requests: Sequence[str],
    packages: Iterable[NewPackage],
    removed: Iterable[PackageId],
) -> str:
    """The commit's `rpmostree.state-sha512`. It records active requests, so they matter too."""
    values = {
        "version": _LAYERING_VERSION,
        "base": base,
        "requests": sorted(requests),
        "packages": sorted(package.identity for package in packages),
        "removed": sorted(package.nevra for package in removed),
        "initramfs": [
            changes.regenerate_initramfs,
            changes.initramfs_arguments,
            changes.initramfs_etc,
        ],
    }
    return hashlib.sha512(json.dumps(values, sort_keys=True).encode()).hexdigest()
