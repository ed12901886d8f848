"""Go back to the base tree's own packages where they were removed or replaced.

  photree override reset vim-tiny
  photree override reset --all

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from engine.errors import PhotreeError
from tui.package_options import add_package_arguments, change_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_package_arguments(parser, "override_reset", "removed or replaced", nargs="*")
    parser.add_argument("-a", "--all", action="store_true", help="end all overrides")


def run(options: argparse.Namespace) -> int:
    if bool(options.override_reset) == options.all:
        raise PhotreeError("Name the packages whose overrides end, or use --all.")
    if options.all:
        options.override_reset = ["*"]
    return change_packages(options)
