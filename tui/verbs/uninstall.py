"""Take layered packages off again.

PACKAGE is what was requested: a name, or the name of a package that came from a file or URL.
Packages of the base tree are not layered: see `photree override remove`.

  photree uninstall strace

Exit codes: 0 done, 1 failed, 77 nothing to do (with --unchanged-exit-77).
"""

from __future__ import annotations

import argparse

from tui.package_options import (
    add_in_the_same_step,
    add_package_options,
    change_packages,
    from_here,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package", nargs="+", metavar="PACKAGE", help="a layered package")
    add_in_the_same_step(parser, "install", "layer another package")
    parser.add_argument(
        "--idempotent", action="store_true", help="what is not requested is no error"
    )
    add_package_options(parser)


def run(options: argparse.Namespace) -> int:
    return change_packages(
        options,
        uninstall=options.package,
        install=from_here(options.install),
        idempotent=options.idempotent,
    )
