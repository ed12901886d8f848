"""What the benchmarks of hosts begin with: a server with two versions of a tree of more than
500 MB, and a host's disk in memory with the first one deployed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import shake_128
from pathlib import Path

from engine.ostree import GLib
from engine.repo import Repo
from tests.bench.installing import MEMORY
from tests.composed import ComposedTree

_DATA_FILES, _DATA_SIZE = 1000, 100_000  # beside the distribution's 420 MB
_CHANGED = 20  # every twentieth file has another content in the second version
_UPDATED = 10  # every tenth package, as the package list says
_PACKAGES = "rpmostree.rpmdb.pkglist"

_DEPLOY = """set -e
ostree admin init-fs --modern "$ROOT"
ostree admin os-init --sysroot="$ROOT" photon
ostree --repo="$ROOT/ostree/repo" remote add --no-gpg-verify photon http://127.0.0.1 "$REF"
ostree --repo="$ROOT/ostree/repo" pull-local --remote=photon "$FROM" "$FIRST"
ostree --repo="$ROOT/ostree/repo" refs --create="photon:$REF" "$FIRST"
ostree admin deploy --sysroot="$ROOT" --os=photon --karg=root=LABEL=root --karg=rw photon:"$REF"
"""


@dataclass(frozen=True)
class Published:
    """repo: an archive repository whose ref is at second; second's parent is first, and 5 % of its
    files differ. disk: the image of an ext4 file system, a system root with first deployed."""

    repo: Path
    ref: str
    first: str
    second: str
    disk: Path


@contextmanager
def published(tree: ComposedTree) -> Iterator[Published]:
    """Made from the test distribution's tree; gone when the block ends."""
    folder = MEMORY / "photree-bench-hosts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        repo = folder / "server"
        subprocess.run(["cp", "-a", tree.repo, repo], check=True)
        first, second = _commit_versions(repo, tree, folder / "tree")
        disk = folder / "disk.img"
        subprocess.run(["truncate", "-s", "4G", disk], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-L", "root", disk], check=True)
        with mounted(disk, folder / "root") as root:
            values = {"ROOT": str(root), "REF": tree.ref, "FROM": str(repo), "FIRST": first}
            shell(_DEPLOY, values)
        yield Published(repo, tree.ref, first, second, disk)
    finally:
        shutil.rmtree(folder)


@contextmanager
def fresh_disk(made: Published) -> Iterator[Path]:
    """The host's disk as it was at first, mounted; a copy that is gone when the block ends."""
    folder = made.disk.parent
    copy = folder / "copy.img"
    subprocess.run(["cp", "--sparse=always", made.disk, copy], check=True)
    try:
        with mounted(copy, folder / "root") as root:
            yield root
    finally:
        copy.unlink()


@contextmanager
def mounted(image: Path, root: Path) -> Iterator[Path]:
    root.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", image, root], check=True)
    try:
        yield root
    finally:
        # a job's process may take a moment to end after it has told how it ended
        subprocess.run(["umount", "--lazy", root], check=True)


def shell(text: str, environment: dict[str, str]) -> None:
    """Run a script; its output is kept for the one who sees it fail."""
    paths = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(
        ["bash", "-c", text], capture_output=True, text=True, env=paths | environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _commit_versions(repo: Path, tree: ComposedTree, work: Path) -> tuple[str, str]:
    """Both versions, by `ostree commit` of a whole tree."""
    subprocess.run(["ostree", f"--repo={repo}", "checkout", tree.commit, work], check=True)
    data = work / "usr/share/measured"
    data.mkdir()
    for number in range(_DATA_FILES):
        (data / f"{number:04}").write_bytes(shake_128(b"%d" % number).digest(_DATA_SIZE))
    packages = Repo.open(repo).load_commit(tree.commit).metadata[_PACKAGES]
    first = _commit(repo, tree, work, tree.commit, packages)
    for path in sorted(_regular_files(work))[::_CHANGED]:
        with path.open("ab") as file:
            file.write(b"# of the second version\n")
    updated = [
        (name, epoch, version, release if number % _UPDATED else f"{release}.2", arch)
        for number, (name, epoch, version, release, arch) in enumerate(packages)
    ]
    second = _commit(repo, tree, work, first, updated)
    subprocess.run(["ostree", f"--repo={repo}", "summary", "--update"], check=True)
    shutil.rmtree(work)
    return first, second


def _regular_files(folder: Path) -> Iterator[Path]:
    for parent, _folders, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            if path.is_file() and not path.is_symlink():
                yield path


def _commit(
    repo: Path, tree: ComposedTree, work: Path, parent: str, packages: list[tuple[str, ...]]
) -> str:
    listed = GLib.Variant("a(sssss)", packages).print_(True)
    options = [
        f"--branch={tree.ref}",
        f"--parent={parent}",
        "--bootable",
        "--generate-sizes",
        f"--add-metadata-string=version={tree.version}",
        f"--add-metadata={_PACKAGES}={listed}",
    ]
    command = ["ostree", f"--repo={repo}", "commit", *options, f"--tree=dir={work}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()
