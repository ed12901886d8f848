"""Print a remote's URL.

  photree remote show-url photon

Exit codes: 0 printed, 1 failed.
"""

from __future__ import annotations

import argparse

from engine.remotes import remote_url
from tui.places import add_place, open_place, write_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    add_place(parser)


def run(options: argparse.Namespace) -> int:
    write_lines([remote_url(open_place(options).repo, options.name)])
    return 0
