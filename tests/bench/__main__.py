"""`make bench`: measure, print the table, and keep it in docs/benchmarks.md."""

import datetime
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench import composing, installing, layering, memory, starting, upgrading
from tests.bench.published import published
from tests.bench.timing import Timing, machine_description
from tests.bench.upgrading import SITUATIONS, Upgrade
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
    with published(tree) as made:
        text += layers(layering.measure(made))
        text += upgrades(upgrading.measure(made))
        text += reading(starting.measure(made))
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


def layers(timings: dict[str, Timing]) -> str:
    ours = timings["photree"]
    rows = [("photree (dependencies solved, scripts in a sandbox)", ours, "")]
    for name, options in (("whole tree", ""), ("quick whole tree", " --link-checkout-speedup")):
        way = f"`ostree checkout -H` + `rpm --root -i` + `ostree commit{options}`"
        rows.append((way, timings[name], ratio(ours, timings[name])))
    return (
        "## Layering one small package\n\n"
        "tmux with two dependencies on a tree of 520 MB that is deployed, to ext4 on a disk image\n"
        "in memory, everything written at the end. The references neither look for dependencies\n"
        "nor keep scripts away from the machine. Limit: 0.25 of the first.\n\n"
        + table(("way", "seconds", "photree / this"), rows)
    )


def upgrades(found: dict[tuple[str, str], Upgrade]) -> str:
    text = (
        "## Upgrade with 5 % changed files\n\n"
        "Over HTTP from nginx on the same machine, whole processes, everything written at the\n"
        "end. Limits: 1.0 of the time; with a static delta on the server no more bytes than the\n"
        "better of ostree's two.\n\n"
    )
    rows = []
    for situation in SITUATIONS:
        ours, theirs = found["photree", situation], found["ostree", situation]
        quotient = ratio(ours.timing, theirs.timing)
        rows.append((f"{situation}: `photree upgrade`", ours.timing, megabytes(ours), ""))
        name = f"{situation}: `ostree admin upgrade`"
        rows.append((name, theirs.timing, megabytes(theirs), quotient))
    return text + table(("server has, command", "seconds", "MB", "photree / this"), rows)


def megabytes(upgrade: Upgrade) -> str:
    return f"{upgrade.transferred / 1e6:.2f}"


def reading(timings: dict[str, Timing]) -> str:
    diff, start = timings["db diff"], timings["db diff, start"]
    own = (diff.median - start.median) * 1000
    rows = [
        ("`photree status`, two deployments", timings["status"].milliseconds, "250"),
        ("`photree db diff`", diff.milliseconds, ""),
        ("the same up to its parsed options", start.milliseconds, ""),
        ("`db diff` after start: the difference", f"**{own:.0f}**", "50"),
    ]
    return (
        "## Commands that only read\n\n"
        "Whole processes, medians of 10, trees of 520 MB.\n\n"
        + table(("command", "milliseconds", "limit"), rows)
    )


def ratio(one: Timing, other: Timing) -> str:
    return f"**{one.median / other.median:.2f}**"


def table(heading: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines) + "\n"


if __name__ == "__main__":
    if shutil.which("ostree") is None:
        sys.exit("error: ostree is missing; `make setup` installs it.")
    sys.exit(main())
