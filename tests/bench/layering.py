"""One small package on a tree of more than 500 MB: by photree, and by a checkout of the whole tree,
rpm and a commit.

The disk is the host's, an ext4 image in memory. Every way ends with everything on the disk.
"""

import subprocess
from pathlib import Path

from tests.bench.installing import PYTHON
from tests.bench.published import Published, fresh_disk, shell
from tests.bench.timing import Timing, in_turn, timed
from tests.distro.build import Distribution, distribution

PACKAGE = "tmux"
PACKAGES = (PACKAGE, "libevent-core-2.1-7", "libutempter0")  # all that it needs beside the tree

# The database is copied first: what rpm writes into a hardlink, it writes into the repository.
_WHOLE_TREE = """set -e
ostree --repo="$REPO" checkout --require-hardlinks "$COMMIT" "$TREE"
cp -a "$TREE/usr/share/rpm" "$TREE/usr/share/rpm.copy"
rm -r "$TREE/usr/share/rpm"
mv "$TREE/usr/share/rpm.copy" "$TREE/usr/share/rpm"
rpm --root "$TREE" --dbpath /usr/share/rpm --install $RPMS
ostree --repo="$REPO" commit $SPEEDUP --branch=measured --parent="$COMMIT" --tree=dir="$TREE"
sync -f "$REPO"
"""


def measure(made: Published) -> dict[str, Timing]:
    """Seconds of each way: from a repository with the base commit to one with the new one."""
    packages = distribution()

    def whole_tree(speedup: str) -> float:
        with fresh_disk(made) as root:
            values = {
                "REPO": str(root / "ostree/repo"),
                "COMMIT": made.first,
                "TREE": str(root / "ostree/tree"),
                "RPMS": " ".join(str(packages.packages[name]) for name in PACKAGES),
                "SPEEDUP": speedup,
            }
            return timed(lambda: shell(_WHOLE_TREE, values))

    def ours() -> float:
        with fresh_disk(made) as root:
            return timed(lambda: _layer(root, made.first, packages))

    return in_turn(
        {
            "photree": ours,
            "whole tree": lambda: whole_tree(""),
            "quick whole tree": lambda: whole_tree("--link-checkout-speedup"),
        }
    )


def _layer(root: Path, base: str, packages: Distribution) -> None:
    program = [PYTHON, "-m", "tests.bench.layer_packages"]
    arguments = [root, base, packages.repository, root / "ostree/cache", PACKAGE]
    subprocess.run([*program, *arguments], check=True, capture_output=True)
    subprocess.run(["sync", "-f", root], check=True)
