"""What a package is made from, and the key under which the result is cached."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from engine.command import Commands
from tests.distro.convert import Converter
from tests.distro.debs import read_deb
from tests.distro.recipes import HERE, Policy, Recipe
from tests.distro.spec import Package
from tests.distro.synthetic import OwnRecipe, make_own, source_digest
from tests.distro.tree import Tree

# Everything that shapes a package; a change in one of them makes all packages anew.
_SHAPING = (
    "apply.py",
    "convert.py",
    "debs.py",
    "rebuilds.py",
    "rpms.py",
    "spec.py",
    "synthetic.py",
    "tree.py",
    "versions.py",
    "data/policy.yaml",
)


class Source(Protocol):
    """Makes one package's files and description."""

    @property
    def name(self) -> str:
        """The RPM package's name."""

    @property
    def recipe(self) -> Recipe:
        """What it gets beyond its source."""

    @property
    def digest(self) -> str:
        """Changes with anything the package is made from."""

    @property
    def size(self) -> int:
        """Bytes of the source: the large ones are built first."""

    def make(self, tree: Tree, release: int, commands: Commands) -> Package:
        """Fill tree and return the rest of the package."""


@dataclass(frozen=True)
class DebSource:
    """A Debian package, already downloaded when `make` is called."""

    name: str
    recipe: Recipe
    deb: Path
    sha256: str
    size: int
    policy: Policy
    shared_directories: frozenset[str]

    @cached_property
    def digest(self) -> str:
        shared = " ".join(sorted(self.shared_directories))
        return _sha256(self.sha256, self.recipe.model_dump_json(), shared)

    def make(self, tree: Tree, release: int, commands: Commands) -> Package:
        converter = Converter(self.name, self.recipe, self.policy, self.shared_directories)
        return converter.convert(read_deb(self.deb), tree, release)


@dataclass(frozen=True)
class OwnSource:
    """One of our own packages. extra: files beyond its folder, by their path in the package."""

    folder: Path
    recipe: OwnRecipe
    extra: Mapping[str, Path]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def size(self) -> int:
        return 0

    @cached_property
    def digest(self) -> str:
        return source_digest(self.folder, self.recipe, self.extra)

    def make(self, tree: Tree, release: int, commands: Commands) -> Package:
        return make_own(self.folder, self.recipe, tree, release, self.extra, commands)


def shaping_digest() -> str:
    """Changes with the code and the policy that shape every package."""
    return _sha256(*((HERE / name).read_text() for name in _SHAPING))


def cache_key(source: Source, release: int, shaping: str, signer: str) -> str:
    """The name of the folder that holds the built package."""
    return f"{source.name}-{_sha256(source.digest, str(release), shaping, signer)[:24]}"


def _sha256(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
