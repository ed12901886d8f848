"""The test distribution's tree, composed once for the same packages, treefile and engine.

    from tests.composed import composed_tree
    tree = composed_tree()          # ComposedTree(repo, ref, commit, version)

It is kept below $PHOTREE_CACHE (default ~/.cache/photree). Do not write into its repository: copy
it with `cp -al`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.compose import ComposeOptions, compose_tree
from engine.events import Emit, discard
from engine.ostree import OSTree
from engine.repo import Repo
from tests.distro.build import distribution
from tests.distro.recipes import HERE

_ENGINE = Path(__file__).resolve().parent.parent / "engine"
_KEPT = 2


@dataclass(frozen=True)
class ComposedTree:
    """repo: an archive repository with a summary; ref points to commit. The treefiles it was made
    from are beside it, in "treefiles"."""

    repo: Path
    ref: str
    commit: str
    version: str


def composed_tree(treefile: str = "photon-minimal.json", emit: Emit = discard) -> ComposedTree:
    """The tree of one of the distribution's treefiles; composed now when it is not there yet."""
    base = Path(os.environ.get("PHOTREE_CACHE") or Path.home() / ".cache" / "photree") / "composed"
    base.mkdir(parents=True, exist_ok=True)
    with _locked(base / "lock"):
        packages = distribution(emit=emit)
        stem = Path(treefile).stem
        folder = base / f"{stem}-{_key(packages.plan.key)}"
        record = folder / "tree.json"
        if not record.exists():
            shutil.rmtree(folder, ignore_errors=True)
            sources = packages.write_treefiles(folder / "treefiles")
            _compose(sources / treefile, folder, base / "cache", emit)
            _drop_old(base, stem)
        os.utime(folder)
        return ComposedTree(**{**json.loads(record.read_text()), "repo": folder / "repo"})


def _compose(treefile: Path, folder: Path, cache: Path, emit: Emit) -> None:
    cancel = CancelToken()
    former = _newest(folder)
    if former is not None:  # objects of the last tree need not be compressed again
        Repo.create(folder / "repo", "archive")
        subprocess.run(
            ["cp", "-al", "--", former / "repo" / "objects", folder / "repo"], check=True
        )
    result = compose_tree(
        ComposeOptions(treefile, folder / "repo", cache),
        SystemCommands(emit, cancel),
        emit,
        cancel,
    )
    assert result.commit is not None
    Repo.open(folder / "repo").native.prune(OSTree.RepoPruneFlags.REFS_ONLY, 0, None)
    tree = ComposedTree(folder / "repo", result.ref, result.commit, result.version or "")
    (folder / "tree.json").write_text(json.dumps({**asdict(tree), "repo": str(tree.repo)}))


def _newest(folder: Path) -> Path | None:
    """The complete tree of the same treefile that was used last."""
    stem = folder.name.rpartition("-")[0]
    found = [path.parent for path in folder.parent.glob(f"{stem}-*/tree.json")]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _key(distribution_key: str) -> str:
    """Of all that makes the tree what it is."""
    digest = hashlib.sha256(distribution_key.encode())
    for path in (*sorted((HERE / "treefiles").iterdir()), *sorted(_ENGINE.rglob("*.py"))):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:24]


def _drop_old(base: Path, stem: str) -> None:
    folders = sorted(base.glob(f"{stem}-*"), key=lambda path: path.stat().st_mtime)
    for folder in folders[:-_KEPT]:
        shutil.rmtree(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    from tui.console import PlainConsole

    sys.stdout.write(f"{composed_tree(emit=PlainConsole())}\n")
