"""Searching real repositories."""

from collections.abc import Sequence

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.packages.pool import PackagePool
from engine.packages.rpmmd import load_repositories
from engine.packages.search import FoundPackage, SearchResult, search_packages
from tests.engine.packages.conftest import QUICK, Listener, config_of
from tests.engine.packages.rpms import Rpm, build, index


def rpm(name: str, summary: str, version: str = "1") -> Rpm:
    return Rpm(name, version, summary=summary)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> PackagePool:
    folder = tmp_path_factory.mktemp("search")
    packages = [
        rpm("vim", "An older editor"),
        rpm("vim", "The Vim editor", "2"),
        rpm("vim-data", "Files for it"),
        rpm("nano", "Small editor, not Vim"),
        rpm("python3-http", "A client"),
        rpm("python3", "The language"),
        rpm("hidden-vim", "Excluded"),
    ]
    build(packages, folder / "r", folder / "build")
    index(folder / "r")
    config = config_of(folder / "r", excludes=("hidden-*",))
    repositories = load_repositories(
        [config], folder / "c", SystemCommands(), Listener(), CancelToken(), patience=QUICK
    )
    return PackagePool(repositories, "x86_64", {}, CancelToken())


def names(found: Sequence[FoundPackage]) -> list[str]:
    return [package.name for package in found]


def test_each_package_is_in_the_first_group_it_fits(pool: PackagePool) -> None:
    result = search_packages(pool, ["VIM"])
    assert result.both == (FoundPackage("vim", "The Vim editor"),)
    assert names(result.by_name) == ["vim-data"]
    assert names(result.by_summary) == ["nano"]


def test_several_words_may_be_in_name_or_summary(pool: PackagePool) -> None:
    assert names(search_packages(pool, ["python3", "client"]).both) == ["python3-http"]
    assert names(search_packages(pool, ["editor", "vim"]).both) == ["nano", "vim"]


def test_a_glob_is_for_the_whole(pool: PackagePool) -> None:
    result = search_packages(pool, ["python?"])
    assert (names(result.by_name), result.both) == (["python3"], ())
    assert names(search_packages(pool, ["*editor"]).by_summary) == ["vim"]


def test_nothing_found_is_empty(pool: PackagePool) -> None:
    assert search_packages(pool, ["emacs"]) == SearchResult((), (), ())
    empty = PackagePool((), "x86_64", {}, CancelToken())
    assert search_packages(empty, ["vim"]) == SearchResult((), (), ())
