"""Get the metadata of the RPM repositories, so that later verbs need not.

What is known already and new enough (metadata_expire of the repository) is kept, unless -f is
given.

  photree refresh-md
  photree refresh-md -f

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass

from engine.cancel import CancelToken, cancelled_by_signals
from engine.events import Event, LogLine
from engine.packages.pool import PackagePool
from engine.packages.rpmmd import Caching, Repository
from tui.configured_repositories import configured_sources, show_warnings
from tui.options import add_stateroot, add_sysroot
from tui.places import write_lines
from tui.repository_options import add_repository_choice


@dataclass(frozen=True)
class _Found:
    """generated: seconds since 1970. solvables: how many packages it has."""

    id: str
    cached: bool
    generated: int
    solvables: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="expire what is known")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    add_repository_choice(parser)
    add_stateroot(parser)
    add_sysroot(parser)


def run(options: argparse.Namespace) -> int:
    cancel = CancelToken()
    show = show_warnings if options.json else _show
    with cancelled_by_signals(cancel):
        caching = Caching.NEVER if options.force else Caching.FRESH
        sources = configured_sources(options, caching, cancel)
        if not options.json:
            ids = " ".join(config.id for config in sources.configs)
            enabled = f"Enabled rpm-md repositories: {ids}"
            write_lines([enabled if ids else "No enabled rpm-md repositories."])
        repositories = sources.load(show, cancel)
        pool = PackagePool(repositories, platform.machine(), {}, cancel)
    found = [_found(repository, pool) for repository in repositories]
    if options.json:
        sys.stdout.write(json.dumps([asdict(each) for each in found], indent=2) + "\n")
        return 0
    for each in found:
        cached = " (cached)" if each.cached else ""
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(each.generated))
        solvables = f"solvables: {each.solvables}"
        write_lines([f"rpm-md repo '{each.id}'{cached}; generated: {made} {solvables}"])
    return 0


def _show(event: Event) -> None:
    """What was got, as it was got."""
    if isinstance(event, LogLine) and event.level == "info":
        write_lines([event.text])
    show_warnings(event)


def _found(repository: Repository, pool: PackagePool) -> _Found:
    handle = pool.handle(repository.id)
    solvables = handle.nsolvables if handle is not None else 0
    return _Found(repository.id, repository.cached, repository.metadata.timestamp, solvables)
