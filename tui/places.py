"""Which repository a verb reads: that of a system root, or one that is named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.repo import Repo
from engine.sysroot import Sysroot


@dataclass(frozen=True)
class Place:
    """sysroot: None when a repository was named, which has no deployments."""

    repo: Repo
    sysroot: Sysroot | None


def add_place(parser: argparse.ArgumentParser, *short: str) -> None:
    """--sysroot PATH or --repo PATH. short: another name of --repo."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--sysroot", type=Path, default=Path("/"), metavar="PATH", help="another system root"
    )
    either.add_argument(
        *short, "--repo", type=Path, metavar="PATH", help="a repository instead of a system root"
    )


def open_place(options: argparse.Namespace) -> Place:
    """Raises OstreeError when there is none."""
    if options.repo is not None:
        return Place(Repo.open(options.repo), None)
    sysroot = Sysroot.load(options.sysroot)
    return Place(sysroot.repo, sysroot)


@contextmanager
def changing(options: argparse.Namespace) -> Iterator[Repo]:
    """The repository, to be changed. A system root is locked meanwhile: with the lock libostree
    also makes the running system's /sysroot writable for this process. Raises OstreeError."""
    if options.repo is not None:
        yield Repo.open(options.repo)
        return
    sysroot = Sysroot.load(options.sysroot, writable=True)
    with sysroot.locked():
        yield sysroot.repo


def write_lines(lines: Iterable[str]) -> None:
    """To standard output, with replacements for what its encoding lacks."""
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:
        text = line.encode(encoding, errors="replace").decode(encoding)
        sys.stdout.write(f"{text}\n")
