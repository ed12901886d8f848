"""What the verbs that change packages have in common."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tui.jobs import run_job
from tui.options import add_change_options, add_unchanged, host_values
from tui.repository_options import add_repository_choice


def add_package_options(parser: argparse.ArgumentParser) -> None:
    """Options for which RPM repositories to ask, dry runs, and those of every change."""
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="say what would change, and change nothing"
    )
    parser.add_argument(
        "-C", "--cache-only", action="store_true", help="use the metadata that is here"
    )
    add_repository_choice(parser)
    add_change_options(parser, lock=True)
    add_unchanged(parser)


def add_in_the_same_step(parser: argparse.ArgumentParser, option: str, text: str) -> None:
    """--OPTION PACKAGE, several times: another change that is solved and deployed together."""
    parser.add_argument(
        f"--{option}",
        action="append",
        default=[],
        metavar="PACKAGE",
        help=f"{text} in the same step",
    )


def change_packages(options: argparse.Namespace, **changes: Sequence[str] | bool) -> int:
    """Run a `ChangePackages` with these fields and those of the options; the exit code."""
    from engine.transactions.packages import ChangePackages  # noqa: PLC0415 - loads libostree

    values: dict[str, Any] = {
        name: value if isinstance(value, bool) else tuple(value) for name, value in changes.items()
    }
    transaction = ChangePackages(
        **host_values(options),
        **values,
        dry_run=options.dry_run,
        cached=options.cache_only,
        lock_finalization=options.lock_finalization,
        disabled_repositories=tuple(options.disablerepo),
        enabled_repositories=tuple(options.enablerepo),
        only_repositories=tuple(options.repoid),
    )
    return run_job(options, transaction)


def from_here(words: Sequence[str]) -> list[str]:
    """Relative paths of RPM files as absolute ones: the job has another working directory."""
    return [
        str(Path(word).absolute()) if word.endswith(".rpm") and not urlsplit(word).scheme else word
        for word in words
    ]
