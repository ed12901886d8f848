"""A compose of little real packages."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.compose import ComposeOptions, ComposeResult, compose_tree
from engine.events import Event
from engine.packages.model import Checksum, RepositoryMetadata, Resolution, ResolvedPackage
from engine.packages.rpmfile import RpmFile
from tests import rpms
from tests.engine.trees import committed_paths, ostree_text

REF = "photon/5.0/x86_64/test"
TREEFILE = {
    "ref": REF,
    "selinux": False,
    "tmp-is-dir": True,
    "container": True,
    "automatic_version_prefix": "5.0_test",
}


@dataclass
class Composer:
    """Composes into one repository in a folder, and looks into it with ostree itself."""

    folder: Path
    base: tuple[Path, ...]
    builds: Path
    events: list[Event] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def compose(
        self,
        *packages: rpms.Package | Path,
        keys: dict[str, Any] | None = None,
        **options: Any,
    ) -> ComposeResult:
        """Compose the base packages and these; keys: of the treefile."""
        built = [
            package if isinstance(package, Path) else rpms.build(package, self.builds)
            for package in packages
        ]
        treefile = self.folder / "test.json"
        treefile.write_text(json.dumps({**TREEFILE, **(keys or {})}))
        values = {"repo": self.repo, "cachedir": self.cache, **options}
        return compose_tree(
            ComposeOptions(treefile, **values),
            SystemCommands(self.events.append, self.cancel),
            self.events.append,
            self.cancel,
            select=lambda *_arguments: Files((*self.base, *built)),
        )

    def ostree(self, *arguments: str) -> str:
        return ostree_text(*arguments, f"--repo={self.repo}")

    def read(self, path: str) -> str:
        return self.ostree("cat", REF, path)

    def paths(self, folder: str = "/") -> dict[str, str]:
        return committed_paths(self.repo, REF, folder)

    def content(self) -> str:
        """The checksum of the tree, whatever the commit says about it."""
        (line,) = [
            line
            for line in self.ostree("show", REF).splitlines()
            if line.startswith("ContentChecksum:")
        ]
        return line.split()[1]

    def log(self) -> str:
        return "\n".join(getattr(event, "text", "") for event in self.events)


@dataclass(frozen=True)
class Files:
    """A choice of packages that is just these files."""

    files: tuple[Path, ...]

    @property
    def resolution(self) -> Resolution:
        packages = tuple(_resolved(path) for path in self.files)
        checksum = Checksum("sha256", "0" * 64)
        return Resolution(packages, (RepositoryMetadata("test", 1, "1", checksum),))

    def fetch(self, *_arguments: object) -> tuple[Path, ...]:
        return self.files


def _resolved(path: Path) -> ResolvedPackage:
    package = RpmFile.open(path)
    return ResolvedPackage(
        package.name,
        package.epoch,
        package.version,
        package.release,
        package.arch,
        "test",
        path.name,
        (path.as_uri(),),
        Checksum("sha256", package.head_sha256),
        path.stat().st_size,
    )


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where packages are built, each once a session."""
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="session")
def base_packages(builds: Path) -> tuple[Path, ...]:
    return (rpms.build(rpms.filesystem(), builds), rpms.build(rpms.shell(), builds))


@pytest.fixture
def composer(tmp_path: Path, base_packages: tuple[Path, ...], builds: Path) -> Composer:
    return Composer(tmp_path, base_packages, builds)
