"""Bringing the cache up to date: resolve, download, build, assemble; or find all of it done."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.command import SystemCommands
from engine.errors import NetworkError, PackageError
from engine.events import Emit, discard
from tests.distro import apt
from tests.distro.closure import close
from tests.distro.recipes import HERE, Policy, Recipe, read_policy, read_recipes, read_roots
from tests.distro.repository import make_repository
from tests.distro.signing import Key, make_key
from tests.distro.sources import DebSource, OwnSource, Source, cache_key, shaping_digest
from tests.distro.synthetic import own_folders, read_own, shared_directories
from tests.distro.workshop import Job, Workshop

KEY_IN_PACKAGE = "etc/pki/rpm-gpg/PHOTREE-TEST-GPG-KEY"
_KERNEL = re.compile(r"linux-image-(\d\S*)")
_KEEP_SECONDS = 14 * 86400


@dataclass(frozen=True)
class Deb:
    """One resolved Debian package."""

    name: str
    version: str
    sha256: str
    size: int


def default_cache() -> Path:
    """$PHOTREE_CACHE/distro, or ~/.cache/photree/distro."""
    base = os.environ.get("PHOTREE_CACHE")
    return (Path(base) if base else Path.home() / ".cache" / "photree") / "distro"


@dataclass(frozen=True)
class Plan:
    """What the distribution shall be: a job for each package, and a name for the whole."""

    jobs: tuple[Job, ...]
    key: str

    def job(self, name: str) -> Job:
        """The job of a package. Raises PackageError when there is no such package."""
        for job in self.jobs:
            if job.source.name == name:
                return job
        raise PackageError(f"The test distribution has no package {name}.")


class Builder:
    """Brings the cache up to date. One at a time works on a cache; the others wait."""

    def __init__(self, cache: Path, emit: Emit = discard) -> None:
        self.cache = cache
        self.emit = emit
        self.commands = SystemCommands(emit)
        self.key = Key(cache / "key" / "secret.asc", cache / "key" / "public.asc")
        self.workshop = Workshop(cache / "rpms", self.key, self.commands, emit)

    def repository(self) -> tuple[Path, Plan]:
        """The up-to-date repository; quick and without a lock when nothing changed."""
        plan = self._known_plan()
        if plan is not None and (folder := self._finished(plan)) is not None:
            return folder, plan
        with self.locked():
            self._sweep()
            make_key(self.cache / "key", self.commands)
            plan = self._obtain()
            return self._finished(plan) or self._assemble(plan), plan

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone in the cache until the end of the block, among processes and threads."""
        self.cache.mkdir(parents=True, exist_ok=True)
        with (self.cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def build(self, jobs: Sequence[Job]) -> Mapping[str, Path]:
        """The RPM files of jobs, by name; builds what is missing."""
        if any(self.workshop.find(job) is None for job in jobs):
            with self.locked():
                return self.workshop.build(jobs)
        return self.workshop.build(jobs)

    def job(self, source: Source, release: int = 1) -> Job:
        """The job of making source at a release."""
        signer = hashlib.sha256(self.key.public.read_bytes()).hexdigest()
        return Job(source, release, cache_key(source, release, shaping_digest(), signer))

    def _finished(self, plan: Plan) -> Path | None:
        folder = self.cache / "repositories" / plan.key
        if not folder.exists():
            return None
        os.utime(folder)  # in use: not to be swept
        return folder

    def _known_plan(self) -> Plan | None:
        closure = self._closure_file()
        if not closure.exists() or not self.key.public.exists():
            return None
        return self._plan([Deb(**values) for values in json.loads(closure.read_text())])

    def _obtain(self) -> Plan:
        """Resolve and download; old lists are renewed once."""
        if not apt.lists_identity():
            apt.update_lists(self.commands)
        try:
            return self._download(self._resolve())
        except NetworkError:
            apt.update_lists(self.commands)
            return self._download(self._resolve())

    def _resolve(self) -> list[apt.DebianPackage]:
        archive = apt.read_archive(self.commands)
        packages = close(archive, read_roots(), read_policy().dropped)
        facts = [
            {"name": p.name, "version": p.version, "sha256": p.sha256, "size": p.size}
            for p in packages
        ]
        file = self._closure_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(facts))
        new.rename(file)
        return packages

    def _download(self, packages: Sequence[apt.DebianPackage]) -> Plan:
        apt.download(packages, self.cache / "debs", self.commands)
        return self._plan([Deb(p.name, p.version, p.sha256, p.size) for p in packages])

    def _closure_file(self) -> Path:
        texts = [
            apt.lists_identity(),
            *read_roots(),
            *sorted(read_policy().dropped),
            (HERE / "closure.py").read_text(),
            (HERE / "versions.py").read_text(),
        ]
        key = hashlib.sha256("\0".join(texts).encode()).hexdigest()
        return self.cache / "closures" / f"{key[:24]}.json"

    def _plan(self, debs: Sequence[Deb]) -> Plan:
        sources = [*self._deb_sources(debs), *self._own_sources()]
        shaping = shaping_digest()
        signer = hashlib.sha256(self.key.public.read_bytes()).hexdigest()
        jobs = tuple(
            Job(source, 1, cache_key(source, 1, shaping, signer))
            for source in sorted(sources, key=lambda source: source.name)
        )
        whole = hashlib.sha256("\n".join(job.key for job in jobs).encode()).hexdigest()
        return Plan(jobs, whole[:24])

    def _deb_sources(self, debs: Sequence[Deb]) -> Iterator[Source]:
        by_name = {deb.name: deb for deb in debs}
        recipes = read_recipes(kernel_release(by_name))
        policy, shared = read_policy(), shared_directories()
        for name in sorted({*by_name, *recipes}):
            recipe = recipes.get(name, Recipe())
            deb = by_name.get(recipe.deb or name)
            if deb is None:
                raise PackageError(f"data/recipes.yaml has {name}, which nothing depends on.")
            yield self._deb_source(name, recipe, deb, policy, shared)

    def _deb_source(
        self, name: str, recipe: Recipe, deb: Deb, policy: Policy, shared: frozenset[str]
    ) -> DebSource:
        path = self.cache / "debs" / f"{deb.sha256}.deb"
        return DebSource(name, recipe, path, deb.sha256, deb.size, policy, shared)

    def _own_sources(self) -> Iterator[Source]:
        for folder in own_folders():
            extra = {KEY_IN_PACKAGE: self.key.public} if folder.name == "photon-release" else {}
            yield OwnSource(folder, read_own(folder), extra)

    def _assemble(self, plan: Plan) -> Path:
        """Build what is missing and put the repository in place, at once and complete."""
        built = self.workshop.build(plan.jobs)
        parent = self.cache / "repositories"
        parent.mkdir(exist_ok=True)
        older = sorted(parent.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime)
        with tempfile.TemporaryDirectory(prefix="new-", dir=parent) as name:
            folder = Path(name) / "repository"
            make_repository(built.values(), folder, self.commands, older[-1] if older else None)
            folder.rename(parent / plan.key)
        return parent / plan.key

    def _sweep(self) -> None:
        """Remove what killed builds left, and what nobody has used for two weeks."""
        for pattern in ("rpms/work-*", "repositories/new-*", "debs/incoming-*"):
            for path in self.cache.glob(pattern):
                shutil.rmtree(path)
        oldest = time.time() - _KEEP_SECONDS
        for path in self.cache.glob("repositories/*"):
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path)
        for path in self.cache.glob("rpms/*/*.rpm"):
            if path.stat().st_nlink == 1 and path.stat().st_ctime < oldest:
                shutil.rmtree(path.parent)


def kernel_release(names: Mapping[str, Deb]) -> str:
    """The release of the one kernel among names, as `uname -r` says it."""
    releases = [match.group(1) for name in names if (match := _KERNEL.fullmatch(name))]
    if len(releases) != 1:
        raise PackageError(f"The distribution needs one kernel and has {releases}.")
    return releases[0]
