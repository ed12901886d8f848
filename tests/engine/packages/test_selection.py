"""The whole way: a treefile and a .repo file beside it become verified RPM files."""

import json
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import PlanError
from engine.packages.repofiles import RepositoryConfig
from engine.packages.selection import PackageSelection, select_packages
from engine.packages.solver import UnsolvableError
from engine.treefile import load_treefile
from tests.engine.packages.conftest import QUICK, Listener, MakeRepository
from tests.engine.packages.rpms import Rpm, SigningKey
from tests.nginx import nginx


@pytest.fixture
def repository(make_repository: MakeRepository, key: SigningKey) -> Path:
    packages = [
        Rpm("base", relations=["Requires: lib", "Recommends: extra"]),
        Rpm("lib"),
        Rpm("extra"),
        Rpm("noise"),
    ]
    return make_repository(packages, key=key)


def select(folder: Path, base: str, key: SigningKey, **keys: object) -> PackageSelection:
    """Write a treefile and its .repo file into folder, and choose."""
    values = {"repos": ["photon"], "releasever": "5.0", "packages": ["base"], **keys}
    (folder / "tree.json").write_text(json.dumps(values, indent=1))
    (folder / "photon.repo").write_text(
        f"[photon]\nbaseurl={base}\ngpgkey={key.public.as_uri()}\ngpgcheck=1\n"
    )
    treefile = load_treefile(folder / "tree.json", "x86_64")
    return select_packages(
        treefile,
        folder / "cache",
        SystemCommands(),
        Listener(),
        CancelToken(),
        patience=QUICK,
    )


def names(selection: PackageSelection) -> list[str]:
    return [package.name for package in selection.resolution.packages]


def test_a_treefile_becomes_verified_files_in_installation_order(
    repository: Path, tmp_path: Path, key: SigningKey
) -> None:
    (tmp_path / "www" / "5.0").mkdir(parents=True)
    (tmp_path / "www" / "5.0" / "x86_64").symlink_to(repository)
    with nginx(tmp_path / "www", tmp_path / "nginx") as server:
        selection = select(tmp_path, server.url + "$releasever/$basearch", key)
        files = selection.fetch(Listener(), CancelToken())
    assert sorted(names(selection)) == ["base", "extra", "lib"]
    assert names(selection)[-1] == "base"
    assert [file.read_bytes() for file in files] == [
        (repository / f"{name}-1-1.noarch.rpm").read_bytes() for name in names(selection)
    ]
    (metadata,) = selection.resolution.repositories
    assert (metadata.id, metadata.timestamp > 0) == ("photon", True)


def test_the_treefile_decides_about_recommended_and_excluded_packages(
    repository: Path, tmp_path: Path, key: SigningKey
) -> None:
    base = repository.as_uri()
    assert names(select(tmp_path, base, key, recommends=False)) == ["lib", "base"]
    assert names(select(tmp_path, base, key, **{"exclude-packages": ["extra"]})) == ["lib", "base"]
    with pytest.raises(UnsolvableError) as caught:
        select(tmp_path, base, key, **{"exclude-packages": ["lib"]})
    (problem,) = caught.value.problems
    assert str(problem) == (
        "tree.json:7:3: base-1-1.noarch requires lib, but lib-1-1.noarch is "
        "excluded at tree.json:10:3"
    )


def test_a_missing_package_is_named_with_its_place_in_the_treefile(
    repository: Path, tmp_path: Path, key: SigningKey
) -> None:
    with pytest.raises(UnsolvableError) as caught:
        select(tmp_path, repository.as_uri(), key, packages=["base nois", "extr"])
    assert [str(problem) for problem in caught.value.problems] == [
        "tree.json:8:3: the package extr is not in any repository (did you mean extra?)",
        "tree.json:7:3: the package nois is not in any repository (did you mean noise?)",
    ]


def test_a_treefile_without_packages_is_refused(
    repository: Path, tmp_path: Path, key: SigningKey
) -> None:
    with pytest.raises(PlanError, match="cannot be used") as caught:
        select(tmp_path, repository.as_uri(), key, packages=[])
    assert "it names no packages" in str(caught.value.problems[0])


def test_the_configuration_keeps_no_password_in_its_repr() -> None:
    assert "secret" not in repr(RepositoryConfig("r", ("http://h/",), password="secret"))
