"""Compose cold, then again with one changed package: as a user does, by the command."""

import shutil
import subprocess
from pathlib import Path

from tests.bench.timing import Timing, in_turn, timed
from tests.distro.build import Distribution, distribution

PHOTREE = Path(".venv/bin/photree")
CHANGED = "wget"


def measure(folder: Path) -> dict[str, Timing]:
    """Seconds of a cold compose and of one with a changed package, whole processes."""
    packages = distribution()
    changed = packages.rebuild([CHANGED], folder / "changed")

    def cold() -> float:
        for name in ("repo", "cache"):
            shutil.rmtree(folder / name, ignore_errors=True)
        return timed(lambda: _compose(folder, packages, packages.repository))

    def warm() -> float:
        return timed(lambda: _compose(folder, packages, changed))

    return in_turn({"cold": cold, "one package changed": warm})


def _compose(folder: Path, packages: Distribution, repository: Path) -> None:
    treefile = packages.write_treefiles(folder / "tree", repository) / "photon-minimal.json"
    arguments = [f"--repo={folder / 'repo'}", f"--cachedir={folder / 'cache'}", str(treefile)]
    subprocess.run([PHOTREE, "compose", "tree", *arguments], check=True, capture_output=True)
