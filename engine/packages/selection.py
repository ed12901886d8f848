"""The packages of a treefile: from its repositories to verified RPM files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.command import Commands
from engine.errors import PlanError, Problem
from engine.events import Emit
from engine.packages.fetch import fetch_packages
from engine.packages.model import Resolution
from engine.packages.repofiles import RepositoryConfig, read_repositories
from engine.packages.rpmmd import load_repositories
from engine.packages.solver import resolve_packages
from engine.packages.transport import Patience
from engine.treefile import Treefile


@dataclass(frozen=True)
class PackageSelection:
    """Chosen, but not yet downloaded."""

    resolution: Resolution
    configs: Sequence[RepositoryConfig]
    cachedir: Path
    patience: Patience | None = None

    def fetch(self, emit: Emit, cancel: CancelToken) -> list[Path]:
        """The RPM files in installation order; see `fetch_packages`."""
        return fetch_packages(
            self.resolution, self.configs, self.cachedir, emit, cancel, patience=self.patience
        )


def select_packages(
    treefile: Treefile,
    cachedir: Path,
    commands: Commands,
    emit: Emit,
    cancel: CancelToken,
    *,
    patience: Patience | None = None,
) -> PackageSelection:
    """Choose the packages of a treefile from the .repo files beside it.

    Raises PlanError (.repo files), UnsolvableError (missing packages, dependencies that cannot be
    fulfilled), NetworkError, SignatureError, PackageError, Cancelled.
    """
    if not treefile.requests:
        problem = Problem(treefile.place("packages"), "it names no packages")
        raise PlanError(f"The treefile {treefile.path} cannot be used.", [problem])
    variables = treefile.variables_for_repositories()
    configs = read_repositories(treefile.folder, treefile.repos, variables, emit)
    repositories = load_repositories(configs, cachedir, commands, emit, cancel, patience=patience)
    resolution = resolve_packages(
        repositories,
        treefile.requests,
        treefile.arch,
        emit,
        cancel,
        exclude=treefile.excluded,
        recommends=treefile.recommends,
    )
    return PackageSelection(resolution, configs, cachedir, patience)
