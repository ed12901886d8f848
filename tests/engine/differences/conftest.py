"""Trees that were made of real packages."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from engine.command import SystemCommands
from engine.ostree import GLib
from engine.packages.rpmdb import DATABASE, write_database
from engine.packages.rpmfile import RpmFile
from engine.repo import Repo
from tests.engine.trees import commit_tree, write_tree
from tests.rpms import BUILD_TIME, Package, build

CommitPackages = Callable[..., str]


@pytest.fixture(scope="session")
def rpm_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rpms")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.create(tmp_path / "repo", "archive")


@pytest.fixture
def commit_packages(repo: Repo, tmp_path: Path, rpm_cache: Path) -> CommitPackages:
    """commit_packages([Package(...)], listed=True) -> the commit. listed: it carries the package
    list; else only the tree's rpm database tells."""

    def commit(packages: Sequence[Package], *, listed: bool = True, ref: str = "tree") -> str:
        paths = [build(package, rpm_cache) for package in packages]
        work = tmp_path / f"root-{len(list(tmp_path.iterdir()))}"
        work.mkdir()
        write_database(paths, work, SystemCommands(), source_date_epoch=BUILD_TIME)
        tree = write_tree(work / "tree")
        (tree / DATABASE).parent.mkdir(parents=True, exist_ok=True)
        (work / DATABASE).rename(tree / DATABASE)
        options = []
        if listed:
            ids = sorted(RpmFile.open(path).id for path in paths)
            entries = [(i.name, str(i.epoch), i.version, i.release, i.arch) for i in ids]
            value = GLib.Variant("a(sssss)", entries).print_(True)
            options.append(f"--add-metadata=rpmostree.rpmdb.pkglist={value}")
        return commit_tree(repo.path, tree, *options, ref=ref)

    return commit
