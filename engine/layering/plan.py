"""What layering would change, known before anything is written: one plan to show and to carry out.

A request that the base tree fulfils is inactive: it stays in the origin, and is layered again when
a later base tree no longer has it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import rpm

from engine.cancel import CancelToken
from engine.errors import PackageError
from engine.events import Emit, LogLine
from engine.layering.changes import LocalChanges, RepositoryReplacement
from engine.layering.local_packages import LocalPackage, open_local
from engine.layering.resolve import LayerResolver, Solution, Wanted
from engine.layering.scratch import scratch
from engine.layering.sources import NO_REPOSITORY, PackageSources
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
    """A package of the base tree and what takes its place. source: "repo=ID", or "" for a local
    package."""

    old: PackageId
    new: PackageId
    source: str = ""

    def __str__(self) -> str:
        return f"{self.old} -> {self.new} {self.source}".rstrip()


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
    installation. state: a digest of all input; the same one means the same tree. database: the base
    tree's; its copy is gone."""

    base: str
    changes: LocalChanges
    packages: tuple[NewPackage, ...]
    removed: tuple[PackageId, ...]
    replaced: tuple[Replacement, ...]
    inactive: tuple[Inactive, ...]
    repositories: tuple[RepositoryMetadata, ...]
    state: str
    sources: PackageSources
    database: BaseDatabase = field(repr=False)

    @property
    def added(self) -> tuple[NewPackage, ...]:
        """Packages that the base tree has in no version."""
        replacing = {replacement.new for replacement in self.replaced}
        return tuple(package for package in self.packages if package.id not in replacing)

    @property
    def replaced_by_source(self) -> dict[str, list[tuple[PackageId, PackageId]]]:
        """Pairs of new and old, as `layer_metadata` takes them."""
        pairs: dict[str, list[tuple[PackageId, PackageId]]] = {}
        for each in self.replaced:
            pairs.setdefault(each.source, []).append((each.new, each.old))
        return pairs

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
    with scratch(repo) as place:  # not in /tmp: what a killed run leaves there, nobody removes
        folder = place.shared("plan")
        database = BaseDatabase.of(repo, base, folder / "rpm")
        sorting = _Sorting(database, changes)
        wanted = Wanted(
            changes.requested,
            sorting.local(open_local(repo, _local_entries(changes), folder)),
            sorting.replacements(open_local(repo, changes.replacements, folder)),
            sorting.repository_replacements(),
            sorting.removals(),
        )
        resolver = LayerResolver(database, wanted, arch or os.uname().machine, cancel)
        solution = _solve(resolver, wanted, recommends, lambda: sources.load(emit, cancel))
    sorting.found(solution.replacing)
    inactive = (*sorting.inactive, *_provided(solution))
    for each in inactive:
        emit(LogLine(f"Inactive: {each.message}"))
    packages = tuple(_new_package(repo, package) for package in solution.packages)
    replaced = tuple(_replaced(database, wanted, solution))
    removed = tuple(each.id for name in wanted.removals for each in database.named(name))
    return LayerPlan(
        base,
        changes,
        packages,
        removed,
        replaced,
        inactive,
        solution.repositories,
        _state(base, changes, _active(changes, inactive), packages, (*removed, *replaced)),
        sources,
        database,
    )


def _active(changes: LocalChanges, inactive: Iterable[Inactive]) -> tuple[str, ...]:
    provided = {each.request for each in inactive if each.kind == "requested"}
    return tuple(name for name in changes.requested if name not in provided)


def _solve(
    resolver: LayerResolver,
    wanted: Wanted,
    recommends: bool,
    load: Callable[[], Sequence[Repository]],
) -> Solution:
    """Without repositories if that is enough: a server that is down must not stop a local package.
    A glob may stand for more than is known without them."""
    has_glob = any(set(name) & _GLOB for name in wanted.requested)
    if not has_glob and not wanted.repository_replacements:
        with contextlib.suppress(UnsolvableError):
            return resolver.solve(recommends)
    repositories = load()
    resolver.add(repositories)
    try:
        return resolver.solve(recommends)
    except UnsolvableError as error:
        if not repositories:
            error.hint = error.hint or NO_REPOSITORY
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

    def repository_replacements(self) -> tuple[RepositoryReplacement, ...]:
        active = []
        for each in self._changes.repository_replacements:
            if each.name in self._names:
                active.append(each)
            else:
                self._not_found(str(each), each.name, "replace")
        return tuple(active)

    def found(self, replacing: Mapping[RepositoryReplacement, PackageId]) -> None:
        """Now that it is known what the repositories have."""
        for each, package in replacing.items():
            if any(present.id == package for present in self._base.named(each.name)):
                message = f"{package} is already in the base tree."
                hint = f"The repository {each.repo} has no better version of it."
                self.inactive.append(Inactive(str(each), "replace", message, hint))

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


def _replaced(base: BaseDatabase, wanted: Wanted, solution: Solution) -> Iterator[Replacement]:
    new = [(package.rpm.id, "") for package in wanted.replacements]
    new += [(package, each.source) for each, package in solution.replacing.items()]
    for package, source in new:
        present = [each.id for each in base.named(package.name)]
        if package not in present:
            yield from (Replacement(old, package, source) for old in present)


def _state(
    base: str,
    changes: LocalChanges,
    requests: Sequence[str],
    packages: Iterable[NewPackage],
    overridden: Iterable[PackageId | Replacement],
) -> str:
    """The commit's `rpmostree.state-sha512`. The commit records active requests and the sources of
    replacements, so they matter too."""
    values = {
        "version": _LAYERING_VERSION,
        "base": base,
        "requests": sorted(requests),
        "packages": sorted(package.identity for package in packages),
        "overridden": sorted(map(str, overridden)),
        "initramfs": [
            changes.regenerate_initramfs,
            changes.initramfs_arguments,
            changes.initramfs_etc,
        ],
    }
    return hashlib.sha512(json.dumps(values, sort_keys=True).encode()).hexdigest()
