"""The same tree from a formatted disk to a bootable deployment, by three ways in turn.

The disk is an ext4 image in memory, as the file systems of these machines differ most. Every way
ends with everything on the disk. Ours verifies every checksum; the others do not.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.timing import Timing, in_turn, timed
from tests.composed import ComposedTree

MEMORY = Path("/dev/shm")
PYTHON = Path(".venv/bin/python")

PULL_LOCAL_AND_DEPLOY = """set -e
ostree admin init-fs --modern "$ROOT"
ostree admin os-init --sysroot="$ROOT" photon
ostree --repo="$ROOT/ostree/repo" remote add --no-gpg-verify photon http://example.com "$REF"
ostree --repo="$ROOT/ostree/repo" pull-local --remote=photon "$FROM" "$REF"
ostree admin deploy --sysroot="$ROOT" --os=photon --karg=root=LABEL=root --karg=rw photon:"$REF"
sync -f "$ROOT"
"""
FORMER_FLOW = """set -e
mkdir "$ROOT/unpacked"
tar xf "$TAR" -C "$ROOT/unpacked"
FROM="$ROOT/unpacked/repo"
""" + PULL_LOCAL_AND_DEPLOY.replace("sync -f", 'rm -rf "$ROOT/unpacked"; sync -f')


def measure(tree: ComposedTree) -> dict[str, Timing]:
    """Seconds of each way, whole processes, from a mounted empty file system."""
    folder = MEMORY / "photree-bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        archive = folder / "ostree-repo.tar.gz"
        repo = tree.repo
        subprocess.run(["tar", "czf", archive, "-C", repo.parent, repo.name], check=True)
        environment = {"FROM": str(repo), "REF": tree.ref, "TAR": str(archive)}

        def script(text: str) -> float:
            with empty_disk(folder) as root:
                return timed(lambda: _shell(text, {**environment, "ROOT": str(root)}))

        def ours() -> float:
            with empty_disk(folder) as root:
                program = [PYTHON, "-m", "tests.bench.install_tree", root, repo, tree.ref]
                return timed(lambda: subprocess.run(program, check=True, capture_output=True))

        return in_turn(
            {
                "photree": ours,
                "tar, pull-local, deploy": lambda: script(FORMER_FLOW),
                "pull-local, deploy": lambda: script(PULL_LOCAL_AND_DEPLOY),
            }
        )
    finally:
        shutil.rmtree(folder)


def _shell(text: str, environment: dict[str, str]) -> None:
    paths = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    subprocess.run(["bash", "-c", text], check=True, capture_output=True, env=paths | environment)


@contextmanager
def empty_disk(folder: Path) -> Iterator[Path]:
    """A freshly made ext4 file system on an image in folder, mounted."""
    image, root = folder / "disk.img", folder / "root"
    image.unlink(missing_ok=True)
    subprocess.run(["truncate", "-s", "3G", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-L", "root", image], check=True)
    root.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", image, root], check=True)
    try:
        yield root
    finally:
        subprocess.run(["umount", root], check=True)
        image.unlink()
