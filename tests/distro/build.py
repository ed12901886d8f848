"""`distribution()`: the test distribution, ready to use.

    from tests.distro.build import distribution
    distro = distribution()
    distro.write_treefiles(folder)          # photon-base.json, photon-minimal.json, photon.repo
    distro.rebuild(["jq"], folder)          # a repository where jq is at its next release

Files of the repositories are hard links into the cache: replace them, never write into them.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from engine.events import Emit, discard
from tests.distro.builder import Builder, Plan, default_cache
from tests.distro.damage import DamageKind, damage
from tests.distro.recipes import HERE
from tests.distro.repository import make_repository

TREEFILES = ("photon-base.json", "photon-minimal.json")


@dataclass(frozen=True)
class Distribution:
    """repository: the folder with the RPM files and repodata/."""

    repository: Path
    builder: Builder = field(repr=False)
    plan: Plan = field(repr=False)

    @property
    def public_key(self) -> Path:
        """The key that signed the packages, armoured."""
        return self.builder.key.public

    @cached_property
    def packages(self) -> dict[str, Path]:
        """The RPM files in the repository, by package name."""
        jobs = self.plan.jobs
        found = {job.source.name: self.builder.workshop.find(job) for job in jobs}
        return {name: self.repository / path.name for name, path in found.items() if path}

    def write_treefiles(self, folder: Path, repository: Path | None = None) -> Path:
        """Write the treefiles, photon.repo and the key into folder; returns folder.

        repository: what photon.repo points to (default: the distribution itself).
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name in TREEFILES:
            shutil.copyfile(HERE / "treefiles" / name, folder / name)
        key = folder / "PHOTREE-TEST-GPG-KEY"
        shutil.copyfile(self.public_key, key)
        definition = (
            "[photon]\n"
            "name=Photon (test distribution)\n"
            f"baseurl={(repository or self.repository).absolute().as_uri()}\n"
            f"gpgkey={key.absolute().as_uri()}\n"
            "gpgcheck=1\n"
            "enabled=1\n"
        )
        (folder / "photon.repo").write_text(definition)
        return folder

    def rebuild(
        self, names: Sequence[str], folder: Path, release: int = 2, keep_old: bool = False
    ) -> Path:
        """Make a repository in folder (new or empty) where names are at another release.

        The rest are hard links. The rebuilt packages differ as `rebuilds.mark_release` says;
        keep_old leaves their first release in the repository too.
        """
        jobs = [self.builder.job(self.plan.job(name).source, release) for name in names]
        new = self.builder.build(jobs)
        kept = {k: v for k, v in self.packages.items() if keep_old or k not in new}
        files = [*kept.values(), *new.values()]
        return make_repository(files, folder, self.builder.commands, self.repository)

    def damaged(self, folder: Path, kind: DamageKind, name: str = "less") -> Path:
        """Make a repository in folder (new or empty) that has one thing wrong with it.

        name: the package that is damaged; for "unsatisfiable" see `damage`.
        """
        make_repository(self.packages.values(), folder, self.builder.commands, self.repository)
        damage(folder, kind, self.packages[name].name, self.builder)
        return folder


def distribution(cache: Path | None = None, emit: Emit = discard) -> Distribution:
    """The distribution of this working tree; below a second when nothing changed.

    cache: where it is kept (default: $PHOTREE_CACHE/distro or ~/.cache/photree/distro).
    Raises PackageError, CommandError, and NetworkError when Debian cannot be reached.
    """
    builder = Builder(cache or default_cache(), emit)
    repository, plan = builder.repository()
    return Distribution(repository, builder, plan)
