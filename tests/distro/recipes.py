"""Recipes: what one package gets beyond, or instead of, what its source says. They are data.

The data files are checked strictly, so that a misspelt key is an error and not a silent omission.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

HERE = Path(__file__).parent


class Model(BaseModel):
    """Frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class FileRecipe(Model):
    """One added file. Exactly one source: text, a link's target, copy or join of packaged files.

    join: a glob in the package; the files are concatenated in the order of their names.
    """

    text: str | None = None
    link: str | None = None
    copy_of: str | None = None
    join: str | None = None
    mode: int = 0o644
    user: str = "root"
    group: str = "root"


class Attributes(Model):
    """Mode, owners or capabilities that the source lacks or has otherwise."""

    mode: int | None = None
    user: str | None = None
    group: str | None = None
    capabilities: str | None = None


class User(Model):
    """A system account made in %pre; its group has the same name and number."""

    name: str
    id: int
    home: str = "/nonexistent"
    shell: str = "/usr/sbin/nologin"


class Group(Model):
    """A system group made in %pre."""

    name: str
    id: int


Section = Literal["pre", "post", "preun", "postun", "pretrans", "posttrans", "transfiletriggerin"]


class Recipe(Model):
    """One entry of data/recipes.yaml. Dependencies are in RPM's syntax.

    deb: the Debian package to take (default: the one of the same name).
    exclude, only: regular expressions for the beginning of paths as they are after the /usr merge.
    trigger_paths: path prefixes for the script transfiletriggerin.
    touched: configuration files to which a rebuild may append a line that begins with "#".
    automatic: whether rpm's generators look for requires and provides.
    dependencies: whether Debian's relationships are taken; dropped: names to leave out of them.
    """

    deb: str = ""
    exclude: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    files: Mapping[str, str | FileRecipe] = {}
    directories: Mapping[str, Attributes] = {}
    attributes: Mapping[str, Attributes] = {}
    users: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()
    scriptlets: Mapping[Section, str] = {}
    trigger_paths: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    automatic: bool = True
    dependencies: bool = True
    requires: tuple[str, ...] = ()
    requires_pre: tuple[str, ...] = ()
    requires_post: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


class Policy(Model):
    """What holds for every converted package (data/policy.yaml)."""

    dropped_dependencies: str
    excluded_paths: tuple[str, ...]
    automatic_requires_excluded: str
    changelog_entries: int
    changelog_lines: int

    @cached_property
    def dropped(self) -> frozenset[str]:
        """Names of dependencies that are left out."""
        return frozenset(self.dropped_dependencies.split())


def parse_yaml(text: str) -> Any:
    """The value of a YAML document."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)


def read_yaml(path: Path) -> Any:
    """The value of a YAML file."""
    return parse_yaml(path.read_text())


def read_roots() -> list[str]:
    """The Debian packages to start from."""
    groups: Mapping[str, str] = read_yaml(HERE / "data" / "packages.yaml")
    return [name for names in groups.values() for name in names.split()]


def read_policy() -> Policy:
    """data/policy.yaml."""
    return Policy.model_validate(read_yaml(HERE / "data" / "policy.yaml"))


def read_recipes(kernel: str) -> dict[str, Recipe]:
    """data/recipes.yaml, with @KERNEL@ replaced by the release of the kernel ("6.1.0-…")."""
    text = (HERE / "data" / "recipes.yaml").read_text().replace("@KERNEL@", kernel)
    values: Mapping[str, Any] = parse_yaml(text)
    return {name: Recipe.model_validate(value) for name, value in values.items()}
