"""The repositories of a host: choice, variables, keys, and when its metadata is asked for again."""

import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import NetworkError, PackageError, PlanError
from engine.packages.fetch import fetch_packages
from engine.packages.host_repositories import (
    RepositoryChoice,
    host_sources,
    release_version,
    releasever_of,
    repository_variables,
)
from engine.packages.model import PackageRequest
from engine.packages.repofiles import RepositoryConfig
from engine.packages.rpmmd import Caching, Repository
from engine.packages.solver import resolve_packages
from tests.engine.packages.conftest import QUICK, Listener, MakeRepository
from tests.engine.packages.rpms import Rpm, SigningKey
from tests.nginx import WebServer, closed_port, nginx


@dataclass
class Tree:
    """The root of a host's tree, and where its metadata is kept."""

    root: Path
    cachedir: Path
    emit: Listener = field(default_factory=Listener)

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def repository(self, name: str, url: str, *lines: str) -> None:
        text = "\n".join([f"[{name}]", f"baseurl={url}", *(lines or ("gpgcheck=0",)), ""])
        self.write(f"etc/yum.repos.d/{name}.repo", text)

    def configs(self, **choice: tuple[str, ...]) -> tuple[RepositoryConfig, ...]:
        chosen = RepositoryChoice(**choice)
        sources = host_sources(self.root, self.cachedir, SystemCommands(), self.emit, choice=chosen)
        return tuple(sources.configs)

    def ids(self, **choice: tuple[str, ...]) -> list[str]:
        return [config.id for config in self.configs(**choice)]

    def load(self, caching: Caching = Caching.FRESH) -> tuple[Repository, ...]:
        sources = host_sources(
            self.root, self.cachedir, SystemCommands(), self.emit, caching=caching
        )
        return sources.load(self.emit, CancelToken())


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    found = Tree(tmp_path / "root", tmp_path / "cache")
    found.write("usr/lib/os-release", 'ID=photon\nVERSION_ID="5.0"\n')
    return found


@pytest.fixture
def server(make_repository: MakeRepository, tmp_path: Path) -> Iterator[WebServer]:
    with nginx(make_repository([Rpm("one"), Rpm("two")]), tmp_path / "nginx") as running:
        yield running


def indices_asked_for(server: WebServer) -> int:
    return sum(request.path.endswith("repomd.xml") for request in server.requests())


def test_the_enabled_ones_are_taken_and_options_change_that(tree: Tree) -> None:
    tree.repository("photon", "http://h/a")
    tree.repository("photon-debuginfo", "http://h/b", "enabled=0", "gpgcheck=0")
    tree.repository("updates", "http://h/c")
    assert tree.ids() == ["photon", "updates"]
    assert tree.ids(enabled=("*debuginfo",)) == ["photon-debuginfo", "photon", "updates"]
    assert tree.ids(disabled=("photon",)) == ["updates"]
    assert tree.ids(disabled=("*",)) == []
    assert tree.ids(only=("photon-*",)) == ["photon-debuginfo"]
    with pytest.raises(PlanError) as caught:
        tree.ids(disabled=("photn",), enabled=("x",))
    assert [str(problem) for problem in caught.value.problems] == [
        "--enablerepo=x: there is no such repository "
        "(there are: photon-debuginfo, photon, updates)",
        "--disablerepo=photn: there is no such repository (did you mean photon?)",
    ]


def test_without_any_repository_there_is_nothing_but_no_error(tree: Tree) -> None:
    assert tree.ids() == tree.ids(disabled=("*",)) == []
    assert tree.load() == ()


def test_what_is_disabled_needs_not_be_right(tree: Tree) -> None:
    tree.repository("good", "http://h/")
    tree.repository("broken", "nonsense", "enabled=0")
    assert tree.ids() == ["good"]
    with pytest.raises(PlanError):
        tree.ids(enabled=("broken",))
    tree.write("etc/yum.repos.d/torn.repo", "no section\n")
    with pytest.raises(PlanError) as caught:
        tree.ids()
    assert "torn.repo:1" in str(caught.value.problems[0])


def test_variables_come_from_the_tree_and_the_administrators_files(tree: Tree) -> None:
    tree.write("etc/dnf/vars/mirror", "mirror.example.com\nmore\n")
    tree.write("etc/yum/vars/mirror", "overridden\n")
    tree.repository("photon", "https://$mirror/$releasever/$basearch")
    (config,) = tree.configs()
    assert config.baseurls == (f"https://mirror.example.com/5.0/{platform.machine()}/",)
    tree.write("etc/dnf/vars/releasever", "6.0\n")
    assert repository_variables(tree.root, "x86_64")["releasever"] == "6.0"


@pytest.mark.parametrize(
    ("os_release", "treefile", "expected"),
    [
        ("VERSION_ID=5.0\n", '{"releasever": "4.0"}', "5.0"),
        ("VERSION_ID='5.0'\n", "", "5.0"),
        ("ID=photon\n", '{"releasever": "4.0"}', "4.0"),
        ("ID=photon\n", '{"releasever": 41}', "41"),
        ("", "{}", ""),
        ("", "not JSON", ""),
        ("", "[]", ""),
        ('VERSION_ID="5.0\n', "", '"5.0'),
    ],
)
def test_the_release_is_that_of_os_release_or_treefile(
    os_release: str, treefile: str, expected: str
) -> None:
    assert releasever_of(os_release, treefile) == expected


def test_a_tree_without_release_files_has_no_release(tmp_path: Path) -> None:
    assert release_version(tmp_path) == ""


def test_keys_are_those_of_the_tree_that_does_not_run(
    tree: Tree, make_repository: MakeRepository, key: SigningKey
) -> None:
    tree.write("etc/pki/rpm-gpg/KEY", key.public.read_text())
    folder = make_repository([Rpm("one")], key=key)
    tree.repository("signed", folder.as_uri(), "gpgkey=file:///etc/pki/rpm-gpg/KEY")
    (config,) = tree.configs()
    assert config.gpgkeys == ((tree.root / "etc/pki/rpm-gpg/KEY").as_uri(),)
    resolution = resolve_packages(
        tree.load(), [PackageRequest("one")], platform.machine(), tree.emit, CancelToken()
    )
    (path,) = fetch_packages(
        resolution, [config], tree.cachedir, tree.emit, CancelToken(), patience=QUICK
    )
    assert path.name == "one-1-1.noarch.rpm"


def test_fresh_metadata_is_not_asked_for_again(tree: Tree, server: WebServer) -> None:
    tree.repository("base", server.url)
    assert [each.cached for each in tree.load()] == [False]
    assert "Updating metadata for 'base'... done" in tree.emit.text()
    assert [each.cached for each in tree.load()] == [True]
    assert tree.load()[0].metadata == tree.load(Caching.NEVER)[0].metadata
    assert indices_asked_for(server) == 2


@pytest.mark.parametrize(
    ("expire", "hours", "cached"),
    [
        ("", 47, True),
        ("", 49, False),
        ("metadata_expire=30m", 1, False),
        ("metadata_expire=2h", 1, True),
        ("metadata_expire=3601", 1, True),
        ("metadata_expire=never", 9999, True),
        ("metadata_expire=1d", -1, False),  # the clock was set back
    ],
)
def test_metadata_expires_when_the_repository_says_so(
    tree: Tree, server: WebServer, expire: str, hours: int, cached: bool
) -> None:
    tree.repository("base", server.url, "gpgcheck=0", expire)
    tree.load()
    (kept,) = tree.cachedir.glob("repomd/*/index.json")
    moment = time.time() - hours * 3600
    os.utime(kept, (moment, moment))
    assert [each.cached for each in tree.load()] == [cached]
    assert tree.load(Caching.ALWAYS)[0].cached


def test_a_time_that_is_none_is_a_problem(tree: Tree) -> None:
    for text in ("soon", "-5", "nan", "5w"):
        tree.repository("base", "http://h/", "gpgcheck=0", f"metadata_expire={text}")
        with pytest.raises(PlanError) as caught:
            tree.ids()
        assert "metadata_expire must be a time such as 6h" in str(caught.value.problems[0])


def test_a_damaged_cache_is_made_again(tree: Tree, server: WebServer) -> None:
    tree.repository("base", server.url)
    tree.load()
    (kept,) = tree.cachedir.glob("repomd/*/index.json")
    for text in ("", "{}", "[]", json.dumps({"baseurl": "x", "verified": True, "repomd": "<x"})):
        kept.write_text(text)
        assert [each.cached for each in tree.load()] == [False]


def test_what_was_not_verified_is_not_taken_once_it_must_be(
    tree: Tree, server: WebServer, key: SigningKey
) -> None:
    tree.repository("base", server.url)
    tree.load()
    signed = (f"gpgkey={key.public.as_uri()}", "repo_gpgcheck=1")
    tree.repository("base", server.url, *signed)
    with pytest.raises(NetworkError, match=r"repomd\.xml\.asc"):
        tree.load()


def test_without_the_server_the_cache_is_used_or_its_lack_named(
    tree: Tree, server: WebServer
) -> None:
    tree.repository("base", server.url)
    with pytest.raises(PackageError, match="Nothing is known of the repository base") as caught:
        tree.load(Caching.ALWAYS)
    assert "refresh-md" in caught.value.hint
    assert indices_asked_for(server) == 0


def test_an_unreachable_repository_is_named_with_the_way_around_it(tree: Tree) -> None:
    tree.repository("gone", f"http://127.0.0.1:{closed_port()}/")
    sources = host_sources(tree.root, tree.cachedir, SystemCommands(), tree.emit)
    quick = type(sources)(
        sources.configs,
        sources.cachedir,
        sources.commands,
        QUICK,
        caching=sources.caching,
        advice=sources.advice,
    )
    with pytest.raises(NetworkError, match="The repository gone is not available") as caught:
        quick.load(tree.emit, CancelToken())
    assert caught.value.hint.endswith("--disablerepo=gone would go on without it.")
