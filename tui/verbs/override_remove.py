"""Remove packages of the base tree on this machine, now and after every upgrade.

Refused when other packages of the tree need one, unless they are removed too.

  photree override remove nano
  photree override remove vim-tiny --replace=./vim-9.1-1.x86_64.rpm

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from tui.package_options import add_package_arguments, change_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_package_arguments(
        parser,
        "override_remove",
        "a package of the base tree",
        together_with=["override_replace", "install"],
    )


def run(options: argparse.Namespace) -> int:
    return change_packages(options)
