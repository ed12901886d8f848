"""Search the RPM repositories for packages by words in names and summaries.

  photree search tmux
  photree search python http        # each word must be in the name or the summary
  photree search 'linux-*'          # a glob of whole names or summaries

The repositories are those of /etc/yum.repos.d. What is known of them is used while it is new
enough (their metadata_expire, 48 hours if they say nothing).
Exit codes: 0 searched (found or not), 1 failed.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict

from engine.cancel import CancelToken, cancelled_by_signals
from engine.packages.pool import PackagePool
from engine.packages.rpmmd import Caching
from engine.packages.search import SearchResult, search_packages
from tui.configured_repositories import configured_sources, show_warnings
from tui.options import add_stateroot, add_sysroot
from tui.places import write_lines
from tui.repository_options import add_repository_choice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="TEXT", help="a part of a name or summary")
    parser.add_argument(
        "-C", "--cache-only", action="store_true", help="use what is known, however old"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    add_repository_choice(parser)
    add_stateroot(parser)
    add_sysroot(parser)


def run(options: argparse.Namespace) -> int:
    cancel = CancelToken()
    with cancelled_by_signals(cancel):
        caching = Caching.ALWAYS if options.cache_only else Caching.FRESH
        sources = configured_sources(options, caching, cancel)
        repositories = sources.load(show_warnings, cancel)
        pool = PackagePool(repositories, platform.machine(), {}, cancel)
        result = search_packages(pool, options.words)
    if options.json:
        sys.stdout.write(json.dumps(asdict(result), indent=2) + "\n")
    else:
        write_lines(_lines(result))
    return 0


def _lines(result: SearchResult) -> Iterator[str]:
    groups = {
        "Summary & Name": result.both,
        "Name": result.by_name,
        "Summary": result.by_summary,
    }
    if not any(groups.values()):
        yield "No matches found."
    for title, packages in groups.items():
        if packages:
            yield ""
            yield f"===== {title} Matched ====="
            yield from (f"{each.name} : {each.summary}" for each in packages)
