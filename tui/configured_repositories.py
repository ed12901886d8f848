"""The RPM repositories that a verb's options choose."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.events import Event, LogLine
from engine.layering.sources import PackageSources
from engine.packages.host_repositories import (
    RepositoryChoice,
    host_sources,
    metadata_cache,
    repository_root,
)
from engine.packages.rpmmd import Caching
from engine.sysroot import Sysroot
from engine.transactions.host import Host


def repository_choice(options: argparse.Namespace) -> RepositoryChoice:
    """Of the options of `add_repository_choice`."""
    return RepositoryChoice(
        disabled=tuple(options.disablerepo),
        enabled=tuple(options.enablerepo),
        only=tuple(options.repoid),
    )


def configured_sources(
    options: argparse.Namespace, caching: Caching, cancel: CancelToken
) -> PackageSources:
    """Of options.sysroot and options.stateroot. Users other than root get a cache of their own."""
    sysroot = Sysroot.load(options.sysroot)
    host = Host.of(sysroot, options.stateroot)
    system_cache = metadata_cache(sysroot, host.osname)
    return host_sources(
        repository_root(sysroot, host.current.path),
        system_cache if os.geteuid() == 0 else _own_cache(),
        SystemCommands(cancel=cancel),
        show_warnings,
        choice=repository_choice(options),
        caching=caching,
    )


def show_warnings(event: Event) -> None:
    """An Emit that writes warnings to standard error, and nothing else."""
    if isinstance(event, LogLine) and event.level in ("warning", "error"):
        sys.stderr.write(f"{event.level}: {event.text}\n")


def _own_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "photree/rpm-md"
