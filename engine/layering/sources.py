"""Where packages that are asked for by name come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.command import Commands
from engine.events import Emit
from engine.packages.fetch import fetch_packages
from engine.packages.model import Resolution, ResolvedPackage
from engine.packages.repofiles import RepositoryConfig
from engine.packages.rpmmd import Caching, Repository, load_repositories
from engine.packages.transport import Patience

NO_REPOSITORY = "No package repository is configured: put .repo files into /etc/yum.repos.d."


@dataclass(frozen=True)
class PackageSources:
    """The configured RPM repositories; their metadata is got when it is needed and not before.

    cachedir: for metadata and downloads (rpm-ostree's is /var/cache/rpm-ostree). advice: see
    `load_repositories`.
    """

    configs: Sequence[RepositoryConfig]
    cachedir: Path
    commands: Commands
    patience: Patience | None = None
    caching: Caching = Caching.NEVER
    advice: str = ""

    def load(self, emit: Emit, cancel: CancelToken) -> tuple[Repository, ...]:
        """See `load_repositories`; none when none is configured."""
        if not self.configs:
            return ()
        return load_repositories(
            self.configs,
            self.cachedir,
            self.commands,
            emit,
            cancel,
            patience=self.patience,
            caching=self.caching,
            advice=self.advice,
        )

    def fetch(
        self, packages: Sequence[ResolvedPackage], emit: Emit, cancel: CancelToken
    ) -> list[Path]:
        """The verified RPM files, in the order of packages; see `fetch_packages`."""
        resolution = Resolution(tuple(packages), ())
        return fetch_packages(
            resolution, self.configs, self.cachedir, emit, cancel, patience=self.patience
        )

    def drop(self, paths: Sequence[Path]) -> None:
        """Remove downloaded files that were imported; a repository's own files stay."""
        for path in paths:
            if path.is_relative_to(self.cachedir):
                path.unlink(missing_ok=True)
