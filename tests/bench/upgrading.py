"""A host's upgrade to a tree of which 5 % of the files differ, over HTTP, from the same start.

Whole processes; everything is on the disk at the end. Of the transfers the bytes are counted that
nginx sent as answers' bodies.
"""

import shutil
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.composing import PHOTREE
from tests.bench.published import Published, fresh_disk
from tests.bench.timing import Timing, in_turn, timed
from tests.nginx import nginx

SITUATIONS = ("objects", "static delta")


@dataclass(frozen=True)
class Upgrade:
    """transferred: bytes."""

    timing: Timing
    transferred: int


def measure(made: Published) -> dict[tuple[str, str], Upgrade]:
    """By program ("photree", "ostree") and situation."""
    folder = made.repo.parent
    with_delta = folder / "server-with-delta"
    servers = dict(zip(SITUATIONS, (made.repo, with_delta), strict=True))
    subprocess.run(["cp", "-al", made.repo, with_delta], check=True)
    ostree = ["ostree", f"--repo={with_delta}"]
    delta = ["static-delta", "generate", f"--from={made.first}", f"--to={made.second}"]
    subprocess.run([*ostree, *delta], check=True, capture_output=True)
    subprocess.run([*ostree, "summary", "--update"], check=True)
    transferred: dict[tuple[str, str], int] = {}

    def run(program: str, situation: str) -> float:
        with (
            fresh_disk(made) as root,
            nginx(servers[situation], folder / "nginx") as web,
        ):
            url = ["config", "set", 'remote "photon".url', web.url]
            subprocess.run(["ostree", f"--repo={root / 'ostree/repo'}", *url], check=True)
            seconds = timed(lambda: _upgrade(program, root))
            _require_deployed(root, made.second)
        transferred[program, situation] = sum(request.size for request in web.requests())
        shutil.rmtree(folder / "nginx")
        return seconds

    cases = [(program, situation) for situation in SITUATIONS for program in ("photree", "ostree")]
    timings = in_turn({", ".join(case): partial(run, *case) for case in cases})
    return {case: Upgrade(timings[", ".join(case)], transferred[case]) for case in cases}


def _upgrade(program: str, root: Path) -> None:
    commands = {
        "photree": [PHOTREE, "upgrade", f"--sysroot={root}"],
        "ostree": ["ostree", "admin", "upgrade", f"--sysroot={root}", "--os=photon"],
    }
    done = subprocess.run(commands[program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    subprocess.run(["sync", "-f", root], check=True)


def _require_deployed(root: Path, commit: str) -> None:
    command = ["ostree", "admin", "status", f"--sysroot={root}"]
    status = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert commit in status, status
