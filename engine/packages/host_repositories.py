"""The RPM repositories of a host: where they are configured, what their variables mean, and where
their metadata is kept. The files and places are those of dnf, tdnf and rpm-ostree."""

from __future__ import annotations

import fnmatch
import json
import platform
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.command import Commands
from engine.errors import PlanError, Problem
from engine.events import Emit
from engine.layering.sources import PackageSources
from engine.packages.nearby import meant
from engine.packages.repofiles import RepositoryConfig, list_repositories, read_repositories
from engine.packages.rpmmd import Caching
from engine.sysroot import Sysroot

_REPOSITORIES = "etc/yum.repos.d"
_VARIABLES = ("etc/yum/vars", "etc/dnf/vars")
_TREEFILE = "usr/share/rpm-ostree/treefile.json"
_OS_RELEASE = "usr/lib/os-release"
_CACHE = "var/cache/rpm-ostree"
_ADVICE = "--disablerepo={id} would go on without it."


@dataclass(frozen=True)
class RepositoryChoice:
    """Ids or globs. only: these and no others, enabled or not; otherwise those that the .repo files
    enable, with `enabled`, without `disabled`."""

    disabled: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


def host_sources(
    root: Path,
    cachedir: Path,
    commands: Commands,
    emit: Emit,
    *,
    choice: RepositoryChoice | None = None,
    releasever: str = "",
    caching: Caching = Caching.FRESH,
) -> PackageSources:
    """The chosen repositories of the tree at root ("/", or a deployment's own directory); possibly
    none: nothing can be had by name then, but local packages can be installed.

    releasever: what `$releasever` means, when the tree to be is another one than that at root.
    Raises PlanError with every problem of the .repo files and of the choice.
    """
    folder = root / _REPOSITORIES
    ids = _chosen(list_repositories(folder), choice or RepositoryChoice())
    configs: tuple[RepositoryConfig, ...] = ()
    if ids:
        variables = repository_variables(root, platform.machine())
        if releasever:
            variables["releasever"] = releasever
        configs = tuple(
            _below(config, root) for config in read_repositories(folder, ids, variables, emit)
        )
    return PackageSources(configs, cachedir, commands, caching=caching, advice=_ADVICE)


def repository_root(sysroot: Sysroot, deployment: Path) -> Path:
    """Where the .repo files are: in the running system, or in a deployment that does not run."""
    return Path("/") if sysroot.is_booted else deployment


def metadata_cache(sysroot: Sysroot, osname: str) -> Path:
    """Where rpm-ostree keeps metadata of repositories, on this system or below a system root."""
    if sysroot.is_booted:
        return Path("/") / _CACHE
    return sysroot.path / "ostree/deploy" / osname / _CACHE


def repository_variables(root: Path, arch: str) -> dict[str, str]:
    """What `$name` means: basearch, arch, releasever, and the files in /etc/yum/vars and
    /etc/dnf/vars, which go first."""
    variables = {"arch": arch, "basearch": arch}
    releasever = release_version(root)
    if releasever:
        variables["releasever"] = releasever
    for folder in _VARIABLES:
        for path in sorted((root / folder).glob("*")):
            if path.is_file():
                lines = _text(path).splitlines()
                variables[path.name] = lines[0].strip() if lines else ""
    return variables


def release_version(root: Path) -> str:
    """VERSION_ID of the tree's os-release, or its treefile's releasever; "" when neither says."""
    return releasever_of(_text(root / _OS_RELEASE), _text(root / _TREEFILE))


def releasever_of(os_release: str, treefile: str) -> str:
    """From the texts of the two files; empty ones say nothing."""
    for line in os_release.splitlines():
        key, _equals, value = line.partition("=")
        if key.strip() == "VERSION_ID":
            return "".join(_words(value)[:1])
    try:
        values = json.loads(treefile or "{}")
    except ValueError:
        return ""
    found = values.get("releasever") if isinstance(values, dict) else None
    return "" if found is None else str(found)


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return [value.strip()]


def _chosen(known: Mapping[str, bool], choice: RepositoryChoice) -> Sequence[str]:
    """In the order of known. Raises PlanError for a word that fits none."""
    options = {
        "repoid": choice.only,
        "enablerepo": choice.enabled,
        "disablerepo": choice.disabled,
    }
    problems = [
        Problem(f"--{option}={word}", "there is no such repository", _others(word, known))
        for option, words in options.items()
        for word in words
        if not _fits_any([word], known)
    ]
    if problems:
        raise PlanError("The choice of repositories cannot be used.", problems)
    if choice.only:
        return [name for name in known if _matches(name, choice.only)]
    return [
        name
        for name, enabled in known.items()
        if (enabled or _matches(name, choice.enabled)) and not _matches(name, choice.disabled)
    ]


def _fits_any(patterns: Sequence[str], names: Iterable[str]) -> bool:
    """ "*" fits even where there is nothing."""
    return patterns == ["*"] or any(_matches(name, patterns) for name in names)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _others(word: str, known: Mapping[str, bool]) -> str:
    return meant(word, known) or f"there are: {', '.join(known) or 'none'}"


def _below(config: RepositoryConfig, root: Path) -> RepositoryConfig:
    """With the keys that the tree at root has itself."""

    def relocated(url: str) -> str:
        inside = root / url.removeprefix("file://").lstrip("/")
        return inside.as_uri() if url.startswith("file:///") and inside.is_file() else url

    if root == Path("/"):
        return config
    return replace(config, gpgkeys=tuple(map(relocated, config.gpgkeys)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
