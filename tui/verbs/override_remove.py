"""Remove packages of the base tree on this machine, now and after every upgrade.

Refused when other packages of the tree need one, unless they are removed too.

  photree override remove nano
  photree override remove vim-tiny --replace=./vim-9.1-1.x86_64.rpm

Exit codes: 0 done, 1 failed.
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
    parser.add_argument("package", nargs="+", metavar="PACKAGE", help="a package of the base tree")
    add_in_the_same_step(parser, "replace", "replace another package")
    add_in_the_same_step(parser, "install", "layer a package")
    add_package_options(parser)


def run(options: argparse.Namespace) -> int:
    return change_packages(
        options,
        override_remove=options.package,
        override_replace=from_here(options.replace),
        install=from_here(options.install),
    )
