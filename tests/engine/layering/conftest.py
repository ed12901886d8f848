"""A host's repository with a composed base tree, and RPM repositories to layer packages from."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.events import Event
from engine.layering.changes import LocalChanges
from engine.layering.commit import write_layers
from engine.layering.local_packages import import_local
from engine.layering.plan import LayerPlan, plan_layers
from engine.layering.sources import PackageSources
from engine.layering.steps import LAYERING_STEPS
from engine.packages.repofiles import RepositoryConfig
from engine.repo import Repo
from engine.steps import Steps
from tests import rpms
from tests.engine.compose.conftest import Composer, base_packages, builds
from tests.engine.packages.rpms import index
from tests.engine.trees import committed_paths, ostree, ostree_text
from tests.rpms import Entry, Package

__all__ = ["base_packages", "builds"]

BASE = (
    Package(
        "libfoo",
        {"/usr/lib/libfoo.so.1": Entry("foo 1")},
        header=("Provides: libfoo.so.1",),
    ),
    Package("foo-tool", {"/usr/bin/foo": Entry("foo", 0o755)}, header=("Requires: libfoo.so.1",)),
    Package("vim-tiny", {"/usr/bin/vi": Entry("tiny", 0o755)}),
    Package(
        "notes",
        {
            "/etc/notes.conf": Entry("notes"),
            "/usr/share/notes/deep/one": Entry("1"),
            "/usr/share/shared/common": Entry("common"),
            "/var/lib/notes": rpms.folder(),
        },
    ),
    Package("sharer", {"/usr/share/shared/common": Entry("common")}),
    Package(
        "watcher",
        {"/usr/share/watcher": Entry("w")},
        {"%transfiletriggerin -- /usr/share/seen": "cat >>/etc/seen"},
    ),
)


@dataclass
class Host:
    """A bare repository as a host's, its base commit, and what is configured."""

    folder: Path
    builds: Path
    base: str = ""
    configs: list[RepositoryConfig] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)

    @property
    def path(self) -> Path:
        return self.folder / "host"

    @property
    def repo(self) -> Repo:
        return Repo.open(self.path)

    @property
    def sources(self) -> PackageSources:
        commands = SystemCommands(self.events.append, self.cancel)
        return PackageSources(tuple(self.configs), self.folder / "cache", commands)

    def pull(self, repo: Path) -> str:
        """Take the one commit of a composed repository for the base."""
        self.ostree("init", "--mode=bare")
        ref = ostree("refs", f"--repo={repo}")
        self.ostree("pull-local", repo, ref)
        self.base = self.ostree("rev-parse", ref).strip()
        return self.base

    def publish(self, *packages: Package, name: str = "main") -> None:
        """Configure an RPM repository of these packages."""
        folder = self.folder / f"rpms-{name}"
        folder.mkdir()
        for package in packages:
            built = rpms.build(package, self.builds)
            shutil.copy(built, folder)
        index(folder)
        self.configs.append(RepositoryConfig(name, (f"{folder.as_uri()}/",), gpgcheck=False))

    def bring(self, *packages: Package) -> tuple[str, ...]:
        """Import packages as files that are gone afterwards; their entries."""
        paths = []
        for package in packages:
            built = rpms.build(package, self.builds)
            paths.append(shutil.copy(built, self.folder / built.name))
        entries = import_local(self.repo, paths, self.events.append, self.cancel, arch="x86_64")
        for path in paths:
            path.unlink()
        return entries

    def plan(self, *requested: str, **changes: object) -> LayerPlan:
        return plan_layers(
            self.repo,
            self.base,
            replace(LocalChanges(requested), **changes),  # type: ignore[arg-type]
            self.sources,
            emit=self.events.append,
            cancel=self.cancel,
            arch="x86_64",
        )

    def write(self, plan: LayerPlan, **options: object) -> str:
        return write_layers(
            self.repo,
            plan,
            SystemCommands(self.events.append, self.cancel),
            Steps(LAYERING_STEPS, self.events.append, self.cancel),
            **options,  # type: ignore[arg-type]
        )

    def layer(self, *requested: str, **changes: object) -> str:
        return self.write(self.plan(*requested, **changes))

    def ostree(self, *arguments: str | Path) -> str:
        return ostree_text(*arguments, f"--repo={self.path}")

    def read(self, commit: str, path: str) -> str:
        return self.ostree("cat", commit, path)

    def paths(self, commit: str, folder: str = "/") -> dict[str, str]:
        return committed_paths(self.path, commit, folder)

    def packages(self, commit: str) -> set[str]:
        """What librpm itself finds in a commit's database."""
        target = self.folder / "queried"
        shutil.rmtree(target, ignore_errors=True)
        self.ostree("checkout", "-U", "--subpath=/usr/share/rpm", commit, target)
        assert [path.name for path in target.iterdir()] == ["rpmdb.sqlite"]
        command = ["rpm", "--dbpath", target, "-qa", "--qf", "%{name}-%{version}\n"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return set(output.split())

    def fsck(self) -> None:
        self.ostree("fsck", "--quiet")

    def state(self) -> tuple[str, frozenset[str]]:
        """Refs and objects: what must not change when something fails."""
        names = {str(path) for path in (self.path / "objects").rglob("*") if path.is_file()}
        return self.ostree("refs", "--list"), frozenset(names)

    def log(self) -> str:
        return "\n".join(getattr(event, "text", "") for event in self.events)


@pytest.fixture(scope="session")
def composed(
    tmp_path_factory: pytest.TempPathFactory, base_packages: tuple[Path, ...], builds: Path
) -> Path:
    """The repository with the base tree of most tests."""
    composer = Composer(tmp_path_factory.mktemp("composed"), base_packages, builds)
    composer.compose(*BASE)
    return composer.repo


@pytest.fixture
def host(tmp_path: Path, composed: Path, builds: Path) -> Host:
    made = Host(tmp_path, builds)
    made.pull(composed)
    return made


MakeHost = Callable[..., Host]


@pytest.fixture
def make_host(tmp_path: Path, base_packages: tuple[Path, ...], builds: Path) -> MakeHost:
    """make_host(Package(...)) -> a host whose base tree has these packages beside the usual few."""

    def make(*packages: Package, name: str = "other", **options: object) -> Host:
        folder = tmp_path / name
        folder.mkdir()
        composer = Composer(folder, base_packages, builds)
        composer.compose(*packages, **options)  # type: ignore[arg-type]
        host = Host(folder, builds)
        host.pull(composer.repo)
        return host

    return make
