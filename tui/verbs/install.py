"""Layer packages on the base tree: they are there from the next boot on, and after every upgrade.

PACKAGE is a name, a capability ("/usr/bin/strace", "name >= 2") or a glob for the RPM repositories
of /etc/yum.repos.d, the path of an RPM file, or a URL of one. Several are solved together. Packages
of the base tree are never changed by this: see `photree override`.

  photree install strace tcpdump
  photree install ./agent-1.2-1.x86_64.rpm
  photree install https://example.com/agent.rpm --reboot
  photree install strace --dry-run

Exit codes: 0 done, 1 failed, 77 nothing to do (with --unchanged-exit-77).
"""

from __future__ import annotations

import argparse

from tui.package_options import add_package_arguments, change_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_package_arguments(
        parser, "install", "name, file or URL of a package", together_with=["uninstall"]
    )
    parser.add_argument(
        "--idempotent", action="store_true", help="what is requested already is no error"
    )
    parser.add_argument(
        "--allow-inactive",
        action="store_true",
        help="also request what the base tree has already",
    )


def run(options: argparse.Namespace) -> int:
    return change_packages(options)
