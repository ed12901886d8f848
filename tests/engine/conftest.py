"""What tests of repositories and system roots share."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.remotes import RemoteConfig, add_remote
from engine.repo import Repo
from engine.sysroot import initialise_sysroot
from tests.engine.trees import commit_tree, many_files, write_tree
from tests.gpg import GpgKey, gpg_key


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GpgKey, GpgKey]]:
    """The publisher's key, and a stranger's."""
    folder = tmp_path_factory.mktemp("keys")
    with gpg_key(folder, "publisher") as publisher, gpg_key(folder, "stranger") as stranger:
        yield publisher, stranger


@dataclass(frozen=True)
class Published:
    """An archive repository with one commit of some hundred files. url: file://."""

    path: Path
    commit: str

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def object(self, checksum: str, suffix: str = "filez") -> Path:
        return self.path / "objects" / checksum[:2] / f"{checksum[2:]}.{suffix}"

    def contents(self) -> list[Path]:
        return sorted((self.path / "objects").glob("*/*.filez"))


@pytest.fixture(scope="session")
def session_published(
    tmp_path_factory: pytest.TempPathFactory, keys: tuple[GpgKey, GpgKey]
) -> Published:
    folder = tmp_path_factory.mktemp("published")
    tree = write_tree(folder / "tree", many_files(320))
    commit = commit_tree(
        folder / "repo",
        tree,
        "--generate-sizes",
        "--add-metadata-string=version=5.0_minimal",
        f"--gpg-homedir={keys[0].homedir}",
        f"--gpg-sign={keys[0].id}",
    )
    return Published(folder / "repo", commit)


@pytest.fixture
def published(session_published: Published, tmp_path: Path) -> Published:
    """A copy of its own for every test, which may damage it."""
    target = tmp_path / "published"
    subprocess.run(["cp", "--archive", str(session_published.path), str(target)], check=True)
    return Published(target, session_published.commit)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Path]:
    """An initialised system root with the unsigned remote "photon"."""
    folder = tmp_path / "system"
    folder.mkdir()
    initialise_sysroot(folder, "photon")
    add_remote(
        Repo.open(folder / "ostree/repo"),
        RemoteConfig("photon", "http://updates.example.com/repo", gpg_verify=False),
    )
    yield folder
    for deployment in folder.glob("ostree/deploy/*/deploy/*.[0-9]"):
        subprocess.run(["chattr", "-i", str(deployment)], check=False)


@pytest.fixture
def target(system: Path) -> Repo:
    """The bare repository of `system`."""
    return Repo.open(system / "ostree/repo")
