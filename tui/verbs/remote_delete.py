"""Delete a remote with its keys. Trees that were pulled from it stay, deployments too.

  photree remote delete lab

Exit codes: 0 deleted (or not there, with --if-exists), 1 failed.
"""

from __future__ import annotations

import argparse

from engine.remotes import delete_remote, list_remotes
from tui.places import add_place, changing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--if-exists", action="store_true", help="do nothing if there is no such remote"
    )
    add_place(parser)


def run(options: argparse.Namespace) -> int:
    with changing(options) as repo:
        if options.if_exists and options.name not in {each.name for each in list_remotes(repo)}:
            return 0
        delete_remote(repo, options.name)
    return 0
