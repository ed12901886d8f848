"""Every command that the README shows works as it stands there, but for names of places."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.composed import composed_tree
from tests.distro.build import distribution
from tests.nginx import nginx

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[str]:
    """The commands of a program in the README's shell blocks, without their comments."""
    lines = [line.split(" #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.split(" ")[0] == program]


@dataclass(frozen=True)
class Place:
    """A folder with the README's host.yaml and treefiles; what stands for its names."""

    folder: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        here = command.replace("/srv/rpm-ostree/repo", str(self.folder / "repo"))
        environment = {**os.environ, "PATH": f"{PROJECT}/.venv/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        return subprocess.run(
            shlex.split(here), cwd=self.folder, env=environment, capture_output=True, text=True,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("readme")
    distribution().write_treefiles(folder)
    (kickstart,) = blocks("yaml")
    with nginx(composed_tree().repo, tmp_path_factory.mktemp("nginx")) as web:
        text = kickstart.replace("http://photon-srv1.example.com/repo", web.url.rstrip("/"))
        disk = "disks: {default: {filename: disk.img, size: 4096}}"
        assert disk in README
        (folder / "host.yaml").write_text(text.replace("disk: /dev/sda", disk))
        yield Place(folder)


def test_all_programs_shown_are_tried_here():
    shown = {line.split(" ")[0] for block in blocks("sh") for line in block.splitlines() if line}
    assert shown == {"make", "photree", "photree-installer"}


@pytest.mark.parametrize("command", commands("make"))
def test_make_has_the_target(command: str):
    done = subprocess.run(
        [*shlex.split(command), "--dry-run"], cwd=PROJECT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", commands("photree-installer"))
def test_the_installer_does_what_is_shown(place: Place, command: str):
    done = place.run(command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tree_is_composed(place: Place):
    (command,) = [line for line in commands("photree") if "compose" in line]
    cache = place.folder / "cache"
    done = place.run(f"{command} --cachedir={cache}")
    assert done.returncode == 0, done.stderr
    assert "photon/5.0/x86_64/minimal => " in done.stdout


@pytest.mark.parametrize("command", [c for c in commands("photree") if "compose" not in c])
def test_a_command_for_hosts_says_where_it_works(place: Place, command: str):
    """On hosts they are run by tests/vm/test_guide.py; this machine is none."""
    done = place.run(command)
    assert done.returncode == 1
    assert "--sysroot" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_treefile_shown_can_be_read(place: Place):
    (treefile,) = blocks("json")
    (place.folder / "shown.json").write_text(treefile)
    done = place.run("photree compose tree --repo=shown --cachedir=cache --dry-run shown.json")
    assert done.returncode == 0, done.stderr
    assert "systemd-" in done.stdout


def test_links_lead_to_files():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (PROJECT / target).exists(), target
