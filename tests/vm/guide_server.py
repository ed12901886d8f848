"""The guide's servers: a repository of trees, another one with the next major release, packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.repo import Repo
from tests.composed import ComposedTree
from tests.distro.build import Distribution, distribution
from tests.gpg import GpgKey, gpg_key
from tests.nginx import WebServer, nginx

PROJECT = Path(__file__).resolve().parent.parent.parent
NEXT_REF = "photon/6.0/x86_64/minimal"


@dataclass
class GuideServer:
    """folder: what is published: repo (of tree), next (the major release 6.0), rpms, and the keys
    that sign commits (TREE-GPG-KEY) and packages (RPM-GPG-KEY)."""

    folder: Path
    tree: ComposedTree
    web: WebServer
    packages: Distribution = field(repr=False)
    key: GpgKey
    cache: Path = field(repr=False)
    releases: int = 1

    @property
    def url(self) -> str:
        """As QEMU's user network shows this machine's loopback."""
        return self.web.url.replace("127.0.0.1", "10.0.2.2")

    def publish(self, *names: str, delta: bool = False) -> str:
        """Compose the same tree with names at their next release and sign it; the commit, which
        the ref has.

        delta: also make a static delta from the former commit.
        """
        self.releases += 1
        former = Repo.open(self.folder / "repo").require(self.tree.ref)
        commit = self._compose("repo", names, {})
        if delta:
            self._ostree("static-delta", "generate", f"--from={former}", f"--to={commit}")
            self._ostree("summary", "-u")
        return commit

    def publish_next(self) -> str:
        """Compose the next major release on the second server."""
        keys = {"ref": NEXT_REF, "automatic_version_prefix": "6.0_minimal"}
        return self._compose("next", (), keys)

    def version(self, commit: str) -> str:
        return str(Repo.open(self.folder / "repo").load_commit(commit).version)

    def _compose(self, repo: str, names: Sequence[str], keys: dict[str, str]) -> str:
        work = self.folder.parent / f"compose-{repo}-{self.releases}"
        repository = self.packages.repository
        if names:
            repository = self.packages.rebuild(names, work / "packages", release=self.releases)
        sources = self.packages.write_treefiles(work / "tree", repository)
        treefile = sources / "photon-guide.json"
        treefile.write_text(json.dumps({"include": "photon-minimal.json", **keys}))
        written = work / "commit"
        subprocess.run(
            [PROJECT / ".venv/bin/photree", "compose", "tree", f"--repo={self.folder / repo}",
             f"--cachedir={self.cache}", f"--write-commitid-to={written}", treefile],
            check=True, capture_output=True,
        )  # fmt: skip
        commit = written.read_text().strip()
        self.key.sign(self.folder / repo, commit)
        return commit

    def _ostree(self, *words: str) -> None:
        command = ["ostree", f"--repo={self.folder / 'repo'}", *words]
        subprocess.run(command, check=True, capture_output=True)


@contextmanager
def guide_server(tree: ComposedTree, folder: Path) -> Iterator[GuideServer]:
    """folder: an empty one."""
    published = folder / "published"
    published.mkdir()
    subprocess.run(["cp", "-a", tree.repo, published / "repo"], check=True)
    packages = distribution()
    (published / "rpms").symlink_to(packages.repository)
    shutil.copy(packages.public_key, published / "RPM-GPG-KEY")
    base = Path(os.environ.get("PHOTREE_CACHE") or Path.home() / ".cache" / "photree")
    with gpg_key(folder, "guide") as key, nginx(published, folder / "nginx") as web:
        key.sign(published / "repo", tree.commit)
        shutil.copy(key.public, published / "TREE-GPG-KEY")
        yield GuideServer(published, tree, web, packages, key, base / "composed" / "cache")
