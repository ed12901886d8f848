"""Take layered packages off again.

PACKAGE is what was requested: a name, or the name of a package that came from a file or URL.
Packages of the base tree are not layered: see `photree override remove`.

  photree uninstall strace

Exit codes: 0 done, 1 failed, 77 nothing to do (with --unchanged-exit-77).
"""

from __future__ import annotations

import argparse

from tui.package_options import add_package_arguments, change_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_package_arguments(parser, "uninstall", "a layered package", together_with=["install"])
    parser.add_argument(
        "--idempotent", action="store_true", help="what is not requested is no error"
    )


def run(options: argparse.Namespace) -> int:
    return change_packages(options)
