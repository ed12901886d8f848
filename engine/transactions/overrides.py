"""The overrides of an origin: base packages that are removed, or replaced by others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from engine.layering.changes import (
    RepositoryReplacement,
    read_replacements,
    written_replacements,
)
from engine.origin import Origin
from engine.packages.model import PackageId

_T = TypeVar("_T")


@dataclass(frozen=True)
class Overrides:
    """removals: names. local: "SHA256:NEVRA" of one build. following: what a repository has."""

    removals: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    following: tuple[RepositoryReplacement, ...] = ()

    @classmethod
    def of(cls, origin: Origin) -> Overrides:
        """Raises PackageError when the origin's cannot be read."""
        following = read_replacements(origin.replacements)
        return cls(origin.removals, origin.local_replacements, following)

    @property
    def requests(self) -> tuple[str, ...]:
        """As a plan's `Inactive` names them."""
        return (*self.removals, *self.local, *map(str, self.following))

    def without(self, word: str) -> Overrides:
        """word: a name, or a local package's name-version-release[.arch]."""
        return Overrides(
            tuple(name for name in self.removals if name != word),
            tuple(entry for entry in self.local if not is_called(local_package(entry), word)),
            tuple(each for each in self.following if each.name != word),
        )

    def with_new(self, new: Overrides) -> Overrides:
        """Of each package the newest override counts; one that was there keeps its place."""
        names = {
            *new.removals,
            *(local_package(entry).name for entry in new.local),
            *(each.name for each in new.following),
        }
        kept = self
        for name in names:
            kept = kept.without(name)
        return Overrides(
            _merged(self.removals, kept.removals, new.removals),
            _merged(self.local, kept.local, new.local),
            _merged(self.following, kept.following, new.following),
        )

    def put_into(self, origin: Origin) -> Origin:
        return (
            origin.with_removals(self.removals)
            .with_local_replacements(self.local)
            .with_replacements(written_replacements(self.following))
        )


def local_package(entry: str) -> PackageId:
    """Of an origin's "SHA256:NEVRA"."""
    return PackageId.parse(entry.partition(":")[2])


def is_called(package: PackageId, word: str) -> bool:
    return word in (package.name, package.nevra, f"{package.name}-{package.evr}")


def _merged(before: tuple[_T, ...], kept: tuple[_T, ...], new: tuple[_T, ...]) -> tuple[_T, ...]:
    wanted = {*kept, *new}
    return tuple(dict.fromkeys([*(each for each in before if each in wanted), *new]))
