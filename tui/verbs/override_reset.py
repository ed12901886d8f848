"""Go back to the base tree's own packages where they were removed or replaced.

  photree override reset vim-tiny
  photree override reset --all

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from engine.errors import PhotreeError
from tui.package_options import add_package_options, change_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package", nargs="*", metavar="PACKAGE", help="removed or replaced")
    parser.add_argument("-a", "--all", action="store_true", help="end all overrides")
    add_package_options(parser)


def run(options: argparse.Namespace) -> int:
    if bool(options.package) == options.all:
        raise PhotreeError("Name the packages whose overrides end, or use --all.")
    return change_packages(options, override_reset=["*"] if options.all else options.package)
