"""Show which files differ between two trees, as `ostree diff` does.

OLD and NEW are refs, commit ids, their parents (REF^), or deployments (booted, pending, rollback
or an index). With one, it is compared with its parent. M: modified (content, owner, mode or
attributes), D: removed (a directory stands for all in it), A: added.

  photree diff booted pending
  photree diff --stats photon:photon/5.0/x86_64/minimal

Exit codes: 0 compared (differences or none), 1 failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from engine.differences.files import (
    Entry,
    EntryDetails,
    FileDifference,
    entry_details,
    file_differences,
)
from engine.repo import Repo
from engine.revisions import resolve_revision
from tui.console import human_bytes
from tui.places import add_place, open_place, write_lines

_LETTERS = {"modified": "M", "removed": "D", "added": "A"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", help="the tree before, or the only one")
    parser.add_argument("new", nargs="?", metavar="NEW", help="the tree after")
    add_place(parser)
    parser.add_argument(
        "--stats", action="store_true", help="also sizes, modes and owners, and the sums"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(options: argparse.Namespace) -> int:
    place = open_place(options)
    words = (options.old, options.new) if options.new else (f"{options.old}^", options.old)
    old, new = (resolve_revision(place.repo, word, place.sysroot) for word in words)
    tree = file_differences(place.repo, old.commit, new.commit)
    changes = list(tree.changed(removed_contents=options.stats or options.json))
    changes.sort(key=lambda each: list(_LETTERS).index(each.change))  # the order of `ostree diff`
    if options.json:
        document = {
            "from": old.commit,
            "to": new.commit,
            "changes": [_values(place.repo, change) for change in changes],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif options.stats:
        write_lines(_statistics(place.repo, changes))
    else:
        write_lines(f"{_LETTERS[change.change]}    {change.path}" for change in changes)
    return 0


def _values(repo: Repo, change: FileDifference) -> dict[str, object]:
    sides = {"old": change.old, "new": change.new}
    details = {
        side: asdict(entry_details(repo, entry)) if entry is not None else None
        for side, entry in sides.items()
    }
    return {"path": change.path, "change": change.change, **details}


def _statistics(repo: Repo, changes: Sequence[FileDifference]) -> Iterator[str]:
    counts = dict.fromkeys(_LETTERS, 0)
    grown = 0
    for change in changes:
        old, new = _details(repo, change.old), _details(repo, change.new)
        counts[change.change] += 1
        grown += (new.size if new else 0) - (old.size if old else 0)
        yield f"{_LETTERS[change.change]}    {change.path}  {_described(old, new)}"
    numbers = ", ".join(f"{count} {what}" for what, count in counts.items())
    sign = "-" if grown < 0 else "+"
    yield f"{numbers}; {sign}{human_bytes(abs(grown))} of files"


def _details(repo: Repo, entry: Entry | None) -> EntryDetails | None:
    return None if entry is None else entry_details(repo, entry)


def _described(old: EntryDetails | None, new: EntryDetails | None) -> str:
    """What of it changed: "0644 -> 0755, 12 B -> 14 B"."""
    sides = [_facts(each) for each in (old, new) if each is not None]
    if len(sides) == 1:
        return ", ".join(fact for fact in sides[0] if fact)
    facts = [
        one if one == other else f"{one or 'none'} -> {other or 'none'}"
        for one, other in zip(*sides, strict=True)
        if one or other
    ]
    return ", ".join(facts)


def _facts(details: EntryDetails) -> tuple[str, ...]:
    size = human_bytes(details.size) if details.kind == "file" else ""
    target = f"to {details.target}" if details.kind == "link" else ""
    return details.kind, f"{details.mode:04o}", f"{details.uid}:{details.gid}", size, target
