"""`make bench`: measure, print the table, and keep it in docs/benchmarks.md."""

import datetime
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench import composing, installing, memory
from tests.bench.timing import Timing, machine_description
from tests.composed import composed_tree

RESULT = Path("docs/benchmarks.md")
FOREWORD = """# Benchmarks

Written by `make bench` on {date}, in one run, all ways in turn, medians of 3 (lowest-highest).
Ratios are what to compare: absolute times change with the machine and with what else it does.

Machine: {machine}.

"""


def main() -> int:
    text = FOREWORD.format(date=datetime.date.today(), machine=machine_description())
    tree = composed_tree()
    with tempfile.TemporaryDirectory(prefix="photree-bench-", dir="/var/tmp") as folder:
        text += installation(installing.measure(tree))
        text += memory_used(memory.installer_peak(tree, Path(folder) / "memory"))
        text += compositions(composing.measure(Path(folder)))
    sys.stdout.write(text)
    RESULT.write_text(text)
    return 0


def installation(timings: dict[str, Timing]) -> str:
    ours = timings["photree"]
    former, plain = timings["tar, pull-local, deploy"], timings["pull-local, deploy"]
    rows = [
        ("photree (every checksum verified)", ours, ""),
        ("`tar xf` + `ostree pull-local` + `ostree admin deploy`", former, ratio(ours, former)),
        ("`ostree pull-local` + `ostree admin deploy`", plain, ratio(ours, plain)),
    ]
    return (
        "## Installing: from a formatted disk to a bootable deployment\n\n"
        "The test distribution's tree from a repository on the same machine (media), to ext4 on a\n"
        "disk image in memory, everything written at the end. The first reference is what\n"
        "Photon's installer did (`ostree-repo.tar.gz`). Limits: 0.7 of\n"
        "the first, 1.0 of the second.\n\n" + table(("way", "seconds", "photree / this"), rows)
    )


def memory_used(peak: int) -> str:
    return (
        "## Memory of an installation\n\n"
        f"The installer and all its processes used at most **{peak / 1e6:.0f} MB** at one time\n"
        "(proportional set sizes, sampled every 20 ms). Limit: 250 MB.\n\n"
    )


def compositions(timings: dict[str, Timing]) -> str:
    cold, again = timings["cold"], timings["one package changed"]
    rows = [("cold", cold, ""), ("again with one changed package", again, ratio(again, cold))]
    return (
        "## Composing the test distribution's tree\n\n"
        "RPM repository on the same machine; whole processes. Limit: 0.25 of the cold one.\n\n"
        + table(("compose", "seconds", "of cold"), rows)
    )


def ratio(one: Timing, other: Timing) -> str:
    return f"**{one.median / other.median:.2f}**"


def table(heading: Sequence[str], rows: Sequence[tuple[str, Timing, str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines) + "\n"


if __name__ == "__main__":
    if shutil.which("ostree") is None:
        sys.exit("error: ostree is missing; `make setup` installs it.")
    sys.exit(main())
