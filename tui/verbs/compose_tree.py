"""Make a tree from the RPM packages that a treefile names, and commit it to a repository."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from engine.cancel import CancelToken, cancelled_by_signals
from engine.command import SystemCommands
from engine.compose import DEFAULT_CACHE, UNCHANGED, ComposeOptions, ComposeResult, compose_tree
from engine.errors import PhotreeError
from engine.events import JobFinished
from tui.console import JsonConsole, PlainConsole

EXIT_UNCHANGED = 77


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("treefile", metavar="TREEFILE", type=Path, help="JSON or YAML")
    parser.add_argument(
        "-r",
        "--repo",
        metavar="REPO",
        type=Path,
        required=True,
        help="path to the OSTree repository; made (archive) when missing",
    )
    parser.add_argument(
        "--cachedir",
        metavar="CACHEDIR",
        type=Path,
        default=DEFAULT_CACHE,
        help="where metadata and unpacked packages are kept (default: %(default)s)",
    )
    parser.add_argument(
        "--force-nocache", action="store_true", help="compose even when nothing changed"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the packages that would be used, and exit"
    )
    parser.add_argument(
        "--add-metadata-string",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_key_and_value,
        help="add to the commit's metadata (version=V sets the version)",
    )
    parser.add_argument(
        "--unified-core", action="store_true", help="accepted: it is the only way here"
    )
    parser.add_argument(
        "--unchanged-exit-77",
        action="store_true",
        help="end with exit code 77 when nothing was committed",
    )
    parser.add_argument(
        "--write-commitid-to", metavar="FILE", type=Path, help="write the commit id to FILE"
    )
    parser.add_argument("--json", action="store_true", help="events, one JSON object a line")
    parser.add_argument("-v", "--verbose", action="store_true", help="show programs' output")


def run(options: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise PhotreeError("compose tree needs root: files of a tree have owners.", "Use sudo.")
    show = JsonConsole() if options.json else PlainConsole(verbose=options.verbose)
    cancel = CancelToken()
    with cancelled_by_signals(cancel):
        result = compose_tree(
            ComposeOptions(
                options.treefile,
                options.repo,
                options.cachedir,
                force_nocache=options.force_nocache,
                dry_run=options.dry_run,
                metadata=dict(options.add_metadata_string),
            ),
            SystemCommands(show, cancel),
            show,
            cancel,
        )
    if options.write_commitid_to is not None and result.commit is not None:
        options.write_commitid_to.write_text(result.commit)
    if options.json:
        show(JobFinished(ok=True))
        sys.stdout.write(json.dumps({"result": _as_json(result)}) + "\n")
    else:
        sys.stdout.write(_as_text(result))
    return EXIT_UNCHANGED if result.unchanged and options.unchanged_exit_77 else 0


def _as_text(result: ComposeResult) -> str:
    """As rpm-ostree ends: the version, and ref => commit."""
    if result.commit is None:
        return "".join(f"{nevra}\n" for nevra in result.packages)
    if result.unchanged:
        return f"{UNCHANGED}\n{result.ref} => {result.commit}\n"
    version = f"Version: {result.version}\n" if result.version is not None else ""
    return f"Packages: {result.package_count}\n{version}{result.ref} => {result.commit}\n"


def _as_json(result: ComposeResult) -> dict[str, object]:
    return {
        "ref": result.ref,
        "commit": result.commit,
        "version": result.version,
        "unchanged": result.unchanged,
        "packages": list(result.packages),
    }


def _key_and_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value
