"""Show the history of a ref, newest first, as `ostree log` does, with what each commit changed.

REF is a ref, a commit id, or a deployment (booted, pending, rollback or its index); without one,
what the booted deployment follows.

  photree log
  photree log -n 3 photon:photon/5.0/x86_64/minimal

The line "Packages:" counts packages against the parent, where both have a list and are here.
Exit codes: 0 shown, 1 failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import islice

from engine.differences.history import LogEntry, read_log
from engine.errors import PhotreeError
from engine.revisions import Revision, resolve_revision
from engine.transactions.host import Host
from tui.places import Place, add_place, open_place, write_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ref", nargs="?", metavar="REF", help="default: what is booted follows")
    parser.add_argument(
        "-n", "--max-count", type=_count, metavar="N", help="no more than N commits"
    )
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(options: argparse.Namespace) -> int:
    place = open_place(options)
    entries = islice(read_log(place.repo, _revision(place, options.ref).commit), options.max_count)
    if options.json:
        document = [_values(entry) for entry in entries]
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return 0
    for entry in entries:
        write_lines(_lines(entry))
    return 0


def _revision(place: Place, text: str | None) -> Revision:
    if text is not None:
        return resolve_revision(place.repo, text, place.sysroot)
    if place.sysroot is None:
        raise PhotreeError("A repository has no booted deployment.", "Name a ref or commit.")
    current = Host.of(place.sysroot).current
    refspec = current.origin.refspec
    if refspec is not None and place.repo.resolve(refspec) is not None:
        return resolve_revision(place.repo, refspec)
    return Revision(current.commit, current.commit)


def _lines(entry: LogEntry) -> Iterator[str]:
    commit = entry.commit
    yield f"commit {commit.checksum}"
    if commit.parent is not None:
        yield f"Parent:  {commit.parent}"
    yield f"ContentChecksum:  {entry.content_checksum}"
    yield f"Date:  {_date(commit.timestamp)}"
    if commit.version is not None:
        yield f"Version: {commit.version}"
    if entry.packages is not None:
        yield f"Packages: {entry.packages or 'no change'}"
    if commit.subject:
        yield ""
    yield from _indented(commit.subject or "(no subject)", "    " if commit.subject else "")
    if commit.body:
        yield ""
        yield from _indented(commit.body, "    ")
    yield ""
    if entry.truncated:
        yield "<< History beyond this commit not fetched >>"


def _indented(text: str, indent: str) -> Iterator[str]:
    yield from (f"{indent}{line}" for line in text.splitlines())


def _values(entry: LogEntry) -> dict[str, object]:
    commit = entry.commit
    return {
        "commit": commit.checksum,
        "parent": commit.parent,
        "content-checksum": entry.content_checksum,
        "timestamp": commit.timestamp,
        "version": commit.version,
        "subject": commit.subject,
        "body": commit.body,
        "packages": entry.packages.counts if entry.packages is not None else None,
        "truncated": entry.truncated,
    }


def _date(timestamp: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime(timestamp))
    except (OverflowError, ValueError, OSError):
        return "(invalid timestamp)"


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of commits")
    return int(text)
