"""List the refs that a remote offers, from its server's summary.

  photree remote refs photon
  photree remote refs -v photon     # with version, date and commit

Exit codes: 0 listed, 1 failed (no such remote, no answer, no summary).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from engine.cancel import CancelToken, cancelled_by_signals
from engine.remotes import RemoteRef, remote_refs
from tui.places import add_place, open_place, write_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("-r", "--revision", action="store_true", help="show the commits")
    parser.add_argument("-v", "--verbose", action="store_true", help="show version, date, commit")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    add_place(parser)


def run(options: argparse.Namespace) -> int:
    cancel = CancelToken()
    with cancelled_by_signals(cancel):
        refs = remote_refs(open_place(options).repo, options.name, cancel=cancel)
    if options.json:
        document = {name: asdict(ref) for name, ref in sorted(refs.items())}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif options.verbose:
        write_lines(_table(options.name, refs))
    else:
        for name, ref in sorted(refs.items()):
            commit = f"\t{ref.commit}" if options.revision else ""
            write_lines([f"{options.name}:{name}{commit}"])
    return 0


def _table(remote: str, refs: Mapping[str, RemoteRef]) -> Iterator[str]:
    rows = [
        (f"{remote}:{name}", ref.version or "-", _date(ref.timestamp), ref.commit)
        for name, ref in sorted(refs.items())
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)] if rows else []
    for *columns, commit in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(columns, widths, strict=True)]
        yield "  ".join([*cells, commit])


def _date(timestamp: int) -> str:
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(timestamp)) if timestamp else "-"
    except (OverflowError, ValueError, OSError):
        return "(invalid timestamp)"
