"""How long a command takes that only reads: whole processes, ten runs of each."""

import subprocess
import sys
from functools import partial

from tests.bench.composing import PHOTREE
from tests.bench.published import Published, fresh_disk, shell
from tests.bench.timing import Timing, in_turn, timed

_RUNS = 10
_DEPLOY_SECOND = """set -e
ostree --repo="$ROOT/ostree/repo" pull-local --remote=photon "$FROM" "$REF"
ostree admin deploy --sysroot="$ROOT" --os=photon "photon:$REF"
"""


def measure(made: Published) -> dict[str, Timing]:
    """Of a system root with two deployments. "db diff, start": the same program up to its parsed
    options, with everything imported (`--help`); what `db diff` takes longer is its own work."""
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "engine", "installer", "tui"], check=True
    )
    with fresh_disk(made) as root:
        shell(_DEPLOY_SECOND, {"ROOT": str(root), "FROM": str(made.repo), "REF": made.ref})
        where = f"--sysroot={root}"
        diff = ["db", "diff", where, made.first, made.second]
        commands = {
            "status": ["status", where],
            "db diff": diff,
            "db diff, start": [*diff, "--help"],
        }
        ways = {name: partial(_run, words) for name, words in commands.items()}
        for way in ways.values():
            way()  # files are read from the disk once
        return in_turn(ways, _RUNS)


def _run(words: list[str]) -> float:
    return timed(lambda: subprocess.run([PHOTREE, *words], check=True, capture_output=True))
