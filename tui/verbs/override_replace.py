"""Put other builds of packages in the place of the base tree's, now and after every upgrade.

PACKAGE is the path or URL of an RPM file, or the name of a package of the RPM repositories; the
base tree has it in another version, older or newer. Names follow their repository: every upgrade
takes the best version that the repository has by then. Without --from that is the repository
which has the best version now. With --freeze, or for a name with its version, the build that is
found now stays, as that of a file does.

  photree override replace ./openssl-3.0.15-2.x86_64.rpm
  photree override replace --experimental --from repo=updates-testing podman
  photree override replace --freeze --from repo=updates-testing kernel kernel-core
  photree override replace vim-9.1-1.ph5.x86_64

--experimental, without which rpm-ostree refuses names, is accepted and needless here.

Exit codes: 0 done, 1 failed, 77 nothing to do (with --unchanged-exit-77).
"""

from __future__ import annotations

import argparse

from tui.package_options import add_package_arguments, change_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_package_arguments(
        parser,
        "override_replace",
        "name, file or URL of a package",
        together_with=["override_remove", "install"],
    )
    parser.add_argument(
        "--from",
        dest="replace_from",
        type=_repository,
        default=argparse.SUPPRESS,  # a default text would have to be KIND=NAME too
        metavar="KIND=NAME",
        help="source of override: repo=ID of an enabled repository",
    )
    parser.add_argument("--freeze", action="store_true", help="pin packages to versions found")
    parser.add_argument(
        "--experimental", action="store_true", help="for scripts that call rpm-ostree: no effect"
    )


def run(options: argparse.Namespace) -> int:
    return change_packages(options)


def _repository(source: str) -> str:
    """The id in "repo=ID", the only kind of source that rpm-ostree knows, too."""
    kind, equals, name = source.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{source!r} is not in KIND=NAME format, such as repo=ID")
    if kind != "repo":
        raise argparse.ArgumentTypeError(f"invalid kind {kind!r}: it can be repo=ID")
    if not name:
        raise argparse.ArgumentTypeError("empty name: it should be repo=ID")
    return name
