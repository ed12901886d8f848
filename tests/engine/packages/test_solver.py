from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.packages.model import PackageRequest, Resolution
from engine.packages.repofiles import RepositoryConfig
from engine.packages.rpmmd import load_repositories
from engine.packages.solver import UnsolvableError, resolve_packages
from tests.engine.packages.conftest import QUICK, Listener, MakeRepository, config_of
from tests.engine.packages.rpms import Rpm

TABLE = [
    Rpm("app", relations=["Requires: lib >= 2", "Requires: /opt/data/table"]),
    Rpm("lib", "1"),
    Rpm("lib", "2", relations=["Provides: engine = 5"]),
    Rpm("data", files={"/opt/data/table": b"x"}),
    Rpm("tools", relations=["Recommends: manual", "Requires(post): shell"]),
    Rpm("manual"),
    Rpm("shell", "2:5.1", "3"),
    Rpm("rich", relations=["Requires: (lib < 2 or manual)"]),
    Rpm("top", relations=["Requires: middle"]),
    Rpm("summit", relations=["Requires: middle"]),
    Rpm("middle", relations=["Requires: bottom >= 2"]),
    Rpm("bottom", "2", relations=["Requires: absent"]),
    Rpm("bottom", "1"),
    Rpm("left", relations=["Requires: lib = 1"]),
    Rpm("right", relations=["Requires: lib = 2"]),
    Rpm("enemy", relations=["Conflicts: manual"]),
    Rpm("old", relations=["Requires: lib >= 3"]),
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.engine.packages.rpms import build, index

    folder = tmp_path_factory.mktemp("solver")
    build(TABLE, folder / "repository", folder / "build")
    index(folder / "repository")
    return folder / "repository"


class Resolver:
    def __init__(self, cachedir: Path, *configs: RepositoryConfig) -> None:
        self.cachedir = cachedir
        self.configs = configs

    def __call__(self, *names: str | PackageRequest, **options: object) -> Resolution:
        emit, cancel = Listener(), CancelToken()
        repositories = load_repositories(
            self.configs, self.cachedir, SystemCommands(), emit, cancel, patience=QUICK
        )
        requests = [
            PackageRequest(name, f"tree.json:{number}:1") if isinstance(name, str) else name
            for number, name in enumerate(names, 1)
        ]
        return resolve_packages(repositories, requests, "x86_64", emit, cancel, **options)  # type: ignore[arg-type]

    def problems(self, *names: str | PackageRequest, **options: object) -> list[str]:
        with pytest.raises(UnsolvableError) as caught:
            self(*names, **options)
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def resolve(repository: Path, tmp_path: Path) -> Resolver:
    return Resolver(tmp_path / "cache", config_of(repository))


def names(resolution: Resolution) -> set[str]:
    return {package.nevra for package in resolution.packages}


def test_takes_the_newest_version_and_what_it_requires_by_name_and_file(resolve: Resolver) -> None:
    assert names(resolve("app")) == {"app-1-1.noarch", "lib-2-1.noarch", "data-1-1.noarch"}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("lib", "lib-2-1.noarch"),
        ("lib-1", "lib-1-1.noarch"),
        ("lib-1-1.noarch", "lib-1-1.noarch"),
        ("lib.noarch", "lib-2-1.noarch"),
        ("lib < 2", "lib-1-1.noarch"),
        ("engine", "lib-2-1.noarch"),
        ("engine >= 5", "lib-2-1.noarch"),
        ("/opt/data/table", "data-1-1.noarch"),
        ("manu*", "manual-1-1.noarch"),
        ("(manual if lib)", None),
        ("(absent or manual)", "manual-1-1.noarch"),
        ("shell", "shell-2:5.1-3.noarch"),
    ],
)
def test_a_request_may_be_a_name_version_capability_file_glob_or_rich_dependency(
    resolve: Resolver, request_: str, expected: str | None
) -> None:
    assert names(resolve(request_)) == ({expected} if expected else set())


def test_the_solution_says_what_the_download_needs_to_know(
    resolve: Resolver, repository: Path
) -> None:
    (package,) = resolve("shell").packages
    assert (package.name, package.epoch, package.version, package.release) == (
        "shell",
        2,
        "5.1",
        "3",
    )
    file = repository / "shell-5.1-3.noarch.rpm"
    assert package.url == file.as_uri()
    assert package.size == file.stat().st_size
    assert package.checksum.kind == "sha256"
    assert package.repo_id == "main"


def test_recommended_packages_are_left_out_on_request(resolve: Resolver) -> None:
    assert "manual-1-1.noarch" in names(resolve("tools"))
    assert "manual-1-1.noarch" not in names(resolve("tools", recommends=False))


def test_what_a_scriptlet_needs_comes_before_it(resolve: Resolver) -> None:
    order = [package.name for package in resolve("tools", "app").packages]
    assert order.index("shell") < order.index("tools")
    assert order.index("lib") < order.index("app")


def test_the_order_of_the_requests_and_a_warm_cache_change_nothing(resolve: Resolver) -> None:
    cold = resolve("tools", "app", "rich")
    assert list(resolve.cachedir.glob("repomd/*/*.solv"))
    assert resolve("rich", "app", "tools").packages == cold.packages


def test_a_damaged_solv_cache_is_made_again(resolve: Resolver) -> None:
    cold = resolve("app")
    for path in resolve.cachedir.glob("repomd/*/*.solv"):
        path.write_bytes(b"SOLV\0\0\0\7 nonsense")
    assert resolve("app").packages == cold.packages


def test_file_lists_are_only_read_when_a_file_is_needed(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    folder = make_repository([Rpm("shell", files={"/usr/bin/sh": b"x", "/opt/sh": b"x"})])
    resolve = Resolver(tmp_path / "cache", config_of(folder))
    resolve("/usr/bin/sh")
    assert not list(resolve.cachedir.glob("repomd/*/*filelists*"))
    resolve("/opt/sh")
    assert list(resolve.cachedir.glob("repomd/*/*filelists*"))


def test_all_missing_packages_are_named_with_their_places_and_near_names(
    resolve: Resolver,
) -> None:
    assert resolve.problems("tolls", "app", "zzz", "lib >= 7") == [
        "tree.json:4:1: the package lib >= 7 is not in any repository "
        "(there is lib-1-1.noarch, lib-2-1.noarch)",
        "tree.json:1:1: the package tolls is not in any repository (did you mean tools?)",
        "tree.json:3:1: the package zzz is not in any repository",
    ]


def test_an_unfulfilled_requirement_is_explained_as_a_chain_from_the_request(
    resolve: Resolver,
) -> None:
    assert resolve.problems("top") == [
        "tree.json:1:1: top-1-1.noarch requires middle, middle-1-1.noarch requires bottom >= 2, "
        "bottom-2-1.noarch requires absent, nothing provides absent"
    ]


def test_a_version_that_is_too_old_is_named(resolve: Resolver) -> None:
    assert resolve.problems("old") == [
        "tree.json:1:1: old-1-1.noarch requires lib >= 3, "
        "nothing provides lib >= 3 (there is lib-2-1.noarch)"
    ]


def test_one_cause_is_told_once_by_its_shortest_chain(resolve: Resolver) -> None:
    assert resolve.problems("summit", "old", "top") == [
        "tree.json:2:1: old-1-1.noarch requires lib >= 3, "
        "nothing provides lib >= 3 (there is lib-2-1.noarch)",
        "tree.json:3:1: top-1-1.noarch requires middle, middle-1-1.noarch requires bottom >= 2, "
        "bottom-2-1.noarch requires absent, nothing provides absent (1 more request needs it)",
    ]


def test_a_conflict_names_both_sides(resolve: Resolver) -> None:
    assert resolve.problems("enemy", "manual") == [
        "tree.json:1:1: enemy-1-1.noarch conflicts with manual-1-1.noarch"
    ]


def test_two_versions_of_a_package_are_refused_with_both_chains(resolve: Resolver) -> None:
    (problem,) = resolve.problems("left", "right")
    assert "left-1-1.noarch requires lib = 1" in problem
    assert "right-1-1.noarch requires lib = 2" in problem
    assert "cannot both be installed" in problem


def test_an_excluded_package_is_not_taken(resolve: Resolver) -> None:
    chosen = names(resolve("tools", exclude={"man*": "tree.json:9:1"}))
    assert chosen == {"tools-1-1.noarch", "shell-2:5.1-3.noarch"}


def test_a_package_that_needs_an_excluded_one_says_so(resolve: Resolver) -> None:
    (problem,) = resolve.problems("top", exclude={"middle": "tree.json:9:1"})
    assert problem == (
        "tree.json:1:1: top-1-1.noarch requires middle, "
        "but middle-1-1.noarch is excluded at tree.json:9:1"
    )


def test_asking_for_an_excluded_package_says_who_excludes_it(
    repository: Path, tmp_path: Path
) -> None:
    resolve = Resolver(tmp_path / "cache", config_of(repository, excludes=("lib",)))
    assert resolve.problems("lib") == [
        "tree.json:1:1: lib-1-1.noarch is excluded by excludepkgs=lib of the repository main"
    ]


def test_a_package_for_another_architecture_is_not_called_missing(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    folder = make_repository([Rpm("native", arch="x86_64")])
    repositories = load_repositories(
        [config_of(folder)], tmp_path / "cache", SystemCommands(), Listener(), CancelToken()
    )
    with pytest.raises(UnsolvableError) as caught:
        resolve_packages(
            repositories, [PackageRequest("native")], "aarch64", Listener(), CancelToken()
        )
    (problem,) = caught.value.problems
    assert problem.message == "the package native is there for x86_64, not for aarch64"


def two_repositories(
    make_repository: MakeRepository, priorities: Sequence[int]
) -> list[RepositoryConfig]:
    first = make_repository([Rpm("pkg", "2")], name="first")
    second = make_repository([Rpm("pkg", "1"), Rpm("only")], name="second")
    return [
        config_of(first, "first", priority=priorities[0]),
        config_of(second, "second", priority=priorities[1]),
    ]


def test_the_repository_with_the_lower_priority_number_wins_over_a_newer_version(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    equal = Resolver(tmp_path / "c1", *two_repositories(make_repository, [99, 99]))
    assert names(equal("pkg")) == {"pkg-2-1.noarch"}
    (first, second) = equal.configs
    preferring = Resolver(
        tmp_path / "c2", first, config_of(second.baseurls[0], "second", priority=1)
    )
    assert names(preferring("pkg")) == {"pkg-1-1.noarch"}


def test_a_request_may_name_its_repository(make_repository: MakeRepository, tmp_path: Path) -> None:
    resolve = Resolver(tmp_path / "cache", *two_repositories(make_repository, [99, 99]))
    (package,) = resolve(PackageRequest("pkg", "t:1:1", "second")).packages
    assert (package.version, package.repo_id) == ("1", "second")
    assert resolve.problems(
        PackageRequest("only", "t:1:1", "first"), PackageRequest("pkg", "t:2:1", "secnd")
    ) == [
        "t:1:1: the package only is not in the repository first",
        't:2:1: pkg: there is no repository "secnd" (did you mean second?)',
    ]


def test_of_equal_packages_the_cheaper_repository_gives_it(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    folder = make_repository([Rpm("pkg")])
    resolve = Resolver(
        tmp_path / "cache", config_of(folder, "far"), config_of(folder, "near", cost=10)
    )
    assert [package.repo_id for package in resolve("pkg").packages] == ["near"]
