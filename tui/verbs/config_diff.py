"""Show what was changed in /etc against the tree's own configuration, as
`ostree admin config-diff` does.

M: modified, D: removed (a directory stands for all in it), A: added; paths are below /etc. These
are what an upgrade carries over. The booted deployment is looked at, or, in a system root that does
not run, the one that boots next.

  photree config-diff
  photree config-diff --against pending    # also: what will an upgrade meet there?

With --against, files that were changed both here and between the booted tree and REV are told
afterwards: the machine's own stay.

Only root can compare files that only root can read; others are told which those are.
Exit codes: 0 compared (differences or none), 1 failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from engine.differences.etc import ConfigDifferences, EtcConflict, config_differences, etc_conflicts
from engine.revisions import resolve_revision
from engine.sysroot import Deployment, Sysroot
from engine.transactions.host import Host
from tui.options import add_stateroot, add_sysroot
from tui.places import write_lines

_LETTERS = {"modified": "M", "removed": "D", "added": "A"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--against", metavar="REV", help="also tell what that tree changed in the same files"
    )
    add_stateroot(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    add_sysroot(parser)


def run(options: argparse.Namespace) -> int:
    sysroot = Sysroot.load(options.sysroot)
    deployment = Host.of(sysroot, options.stateroot).current
    differences = config_differences(deployment.path)
    conflicts = _conflicts(sysroot, deployment, options.against) if options.against else ()
    if options.json:
        document = asdict(differences) | {"conflicts": [asdict(each) for each in conflicts]}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        _write(differences, conflicts)
    return 0


def _conflicts(sysroot: Sysroot, deployment: Deployment, against: str) -> tuple[EtcConflict, ...]:
    new = resolve_revision(sysroot.repo, against, sysroot)
    return etc_conflicts(sysroot.repo, deployment.path, deployment.commit, new.commit)


def _write(differences: ConfigDifferences, conflicts: Sequence[EtcConflict]) -> None:
    write_lines(f"{_LETTERS[each.change]}    {each.path}" for each in differences.changes)
    for conflict in conflicts:
        local, upstream = conflict.local, conflict.upstream
        effect = "the upgrade will fail" if conflict.fatal else "yours stays"
        text = f"/etc/{conflict.path}: {local} here, {upstream} in the new tree; {effect}"
        write_lines([f"conflict: {text}"])
    if differences.unreadable:
        paths = ", ".join(differences.unreadable)
        sys.stderr.write(f"note: only root can compare: {paths}\n")
