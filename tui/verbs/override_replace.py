"""Put other builds of packages in the place of the base tree's, now and after every upgrade.

FILE is the path or URL of an RPM file whose package the base tree has, older or newer.

  photree override replace ./openssl-3.0.15-2.x86_64.rpm

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
    parser.add_argument("file", nargs="+", metavar="FILE", help="path or URL of an RPM file")
    add_in_the_same_step(parser, "remove", "remove a base package")
    add_in_the_same_step(parser, "install", "layer a package")
    add_package_options(parser)


def run(options: argparse.Namespace) -> int:
    return change_packages(
        options,
        override_replace=from_here(options.file),
        override_remove=options.remove,
        install=from_here(options.install),
    )
