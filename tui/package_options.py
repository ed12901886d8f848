"""The frame of the verbs that change packages: PACKAGE..., what else may change in the same step,
and the options of all of them.

An argument is stored under the name of the field of `ChangePackages` that it is for, so that one
function runs them all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tui.jobs import run_job
from tui.options import add_change_options, add_unchanged, host_values
from tui.repository_options import add_repository_choice

_WORDS = {  # field: its option when another field has the positional arguments, and what it does
    "install": ("--install", "layer a package"),
    "uninstall": ("--uninstall", "take a layered package off"),
    "override_remove": ("--remove", "remove a package of the base tree"),
    "override_replace": ("--replace", "replace a package of the base tree"),
    "override_reset": ("", ""),
}
_FILES = ("install", "override_replace")  # fields whose words may be paths
_OTHERS = ("replace_from", "freeze", "idempotent", "allow_inactive", "dry_run", "lock_finalization")


def add_package_arguments(
    parser: argparse.ArgumentParser,
    field: str,
    text: str,
    *,
    nargs: str = "+",
    together_with: Sequence[str] = (),
) -> None:
    """PACKAGE..., of which text says what it is, for a field of `ChangePackages`; an option for
    each of the fields that can be changed together with it; and what all these verbs have."""
    parser.add_argument(field, nargs=nargs, metavar="PACKAGE", type=_word_of(field), help=text)
    for other in together_with:
        option, does = _WORDS[other]
        parser.add_argument(
            option,
            dest=other,
            action="append",
            default=[],
            metavar="PACKAGE",
            type=_word_of(other),
            help=f"{does} in the same step",
        )
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="say what would change, and change nothing"
    )
    parser.add_argument(
        "-C", "--cache-only", action="store_true", help="use the metadata that is here"
    )
    add_repository_choice(parser)
    add_change_options(parser, lock=True)
    add_unchanged(parser)


def change_packages(options: argparse.Namespace) -> int:
    """Run a `ChangePackages` with what the options give; the exit code."""
    from engine.transactions.packages import ChangePackages  # noqa: PLC0415 - loads libostree

    given = vars(options)
    words: dict[str, Any] = {field: tuple(given[field]) for field in _WORDS if field in given}
    others: dict[str, Any] = {field: given[field] for field in _OTHERS if field in given}
    transaction = ChangePackages(
        **host_values(options),
        **words,
        **others,
        cached=options.cache_only,
        disabled_repositories=tuple(options.disablerepo),
        enabled_repositories=tuple(options.enablerepo),
        only_repositories=tuple(options.repoid),
    )
    return run_job(options, transaction)


def _word_of(field: str) -> Callable[[str], str]:
    return _from_here if field in _FILES else str


def _from_here(word: str) -> str:
    """A relative path of an RPM file as an absolute one: the job has another working directory."""
    is_path = word.endswith(".rpm") and not urlsplit(word).scheme
    return str(Path(word).absolute()) if is_path else word
