"""`search` and `refresh-md`, against a real server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.origin import Origin
from engine.pull import pull
from engine.repo import Repo
from engine.sysroot import Sysroot
from tests.engine.packages.rpms import Rpm, build, index
from tests.engine.trees import REF, commit_tree, run_python_booted, write_tree
from tests.nginx import WebServer, closed_port, nginx
from tui.cli import main


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    found = [
        Rpm("vim", summary="The Vim editor"),
        Rpm("vim-data", summary="Files for it"),
        Rpm("nano", summary="Not Vim"),
    ]
    build(found, folder / "r", folder / "build")
    index(folder / "r", "--revision=1764288000", "--set-timestamp-to-revision")
    return folder / "r"


@pytest.fixture
def server(packages: Path, tmp_path: Path) -> Iterator[WebServer]:
    with nginx(packages, tmp_path / "nginx") as running:
        yield running


@pytest.fixture
def deployed(system: Path, server: WebServer, tmp_path: Path) -> Path:
    (system / "boot/grub/grub.cfg").unlink(missing_ok=True)
    repositories = f"[photon]\nbaseurl={server.url}\ngpgcheck=0\n"
    files = {"usr/etc/yum.repos.d/photon.repo": repositories}
    source = tmp_path / "source"
    commit_tree(source, write_tree(tmp_path / "tree", files))
    commit = pull(Repo.open(system / "ostree/repo"), "photon", REF, url=f"file://{source}")
    origin = Origin.for_refspec(f"photon:{REF}")
    Sysroot.load(system).deploy("photon", commit, origin, [])
    return system


def output(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(words) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_search_groups_what_it_finds_as_rpm_ostree(
    deployed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = f"--sysroot={deployed}"
    assert output(capsys, "search", system, "vim") == (
        "\n===== Summary & Name Matched =====\nvim : The Vim editor\n"
        "\n===== Name Matched =====\nvim-data : Files for it\n"
        "\n===== Summary Matched =====\nnano : Not Vim\n"
    )
    assert output(capsys, "search", system, "emacs") == "No matches found.\n"
    assert output(capsys, "search", system, "--disablerepo=*", "vim") == "No matches found.\n"
    found = json.loads(output(capsys, "search", system, "--json", "vim"))
    assert found["both"] == [{"name": "vim", "summary": "The Vim editor"}]


def test_refresh_md_gets_what_is_not_fresh(
    deployed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = f"--sysroot={deployed}"
    enabled = "Enabled rpm-md repositories: photon\n"
    updated = "Updating metadata for 'photon'... done\n"
    generated = "; generated: 2025-11-28T00:00:00Z solvables: 3\n"
    fresh = f"{enabled}{updated}rpm-md repo 'photon'{generated}"
    assert output(capsys, "refresh-md", system) == fresh
    assert (
        output(capsys, "refresh-md", system) == f"{enabled}rpm-md repo 'photon' (cached){generated}"
    )
    assert output(capsys, "refresh-md", system, "-f") == fresh
    cache = deployed / "ostree/deploy/photon/var/cache/rpm-ostree"
    assert [path.name for path in cache.iterdir()] == ["repomd"]
    (found,) = json.loads(output(capsys, "refresh-md", system, "--json"))
    assert found == {"id": "photon", "cached": True, "generated": 1764288000, "solvables": 3}
    nothing = output(capsys, "refresh-md", system, "--disablerepo=photon")
    assert nothing == "No enabled rpm-md repositories.\n"


def test_what_is_known_is_searched_without_the_server(
    deployed: Path, server: WebServer, capsys: pytest.CaptureFixture[str]
) -> None:
    system = f"--sysroot={deployed}"
    assert "refresh-md" in output(capsys, "search", system, "-C", "vim", code=1)
    output(capsys, "refresh-md", system)
    before = len(server.requests())
    assert "vim : The Vim editor" in output(capsys, "search", system, "-C", "vim")
    assert len(server.requests()) == before


def test_a_repository_that_does_not_answer_names_the_way_around_it(
    deployed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    etc = Sysroot.load(deployed).deployments[0].path / "etc"
    gone = f"[gone]\nbaseurl=https://127.0.0.1:{closed_port()}/\ngpgcheck=0\nsslverify=0\n"
    (etc / "yum.repos.d/gone.repo").write_text(gone)
    system = f"--sysroot={deployed}"
    assert "vim : The Vim" in output(capsys, "search", system, "--disablerepo=gone", "vim")
    assert "vim : The Vim" in output(capsys, "search", system, "--repoid=photon", "vim")


def test_users_search_with_a_cache_of_their_own(deployed: Path, tmp_path: Path) -> None:
    """The network of the pretended boot is the machine's."""
    root = Sysroot.load(deployed).deployments[0].path
    program = """
import os, sys
os.environ["XDG_CACHE_HOME"] = "/tmp/cache"
os.setuid(1000)
from tui.cli import main
sys.exit(main(["search", "vim"]))
"""
    done = run_python_booted(deployed, root, "-c", program)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^vim : The Vim editor$", done.stdout, re.MULTILINE)
    assert not (root / "var/cache/rpm-ostree").exists()
