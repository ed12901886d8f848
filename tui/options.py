"""Options that several verbs have, with rpm-ostree's names."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_sysroot(parser: argparse.ArgumentParser) -> None:
    """--sysroot PATH."""
    parser.add_argument(
        "--sysroot", type=Path, default=Path("/"), metavar="PATH", help="another system root"
    )


def add_stateroot(parser: argparse.ArgumentParser) -> None:
    """--stateroot NAME, or --os NAME."""
    parser.add_argument(
        "--stateroot",
        "--os",
        default="",
        metavar="NAME",
        help="another stateroot than the booted one",
    )


def add_change_options(
    parser: argparse.ArgumentParser, *, reboot: bool = True, lock: bool = False
) -> None:
    """What every verb that changes deployments has. lock: it makes one that can be staged locked.

    The values are `sysroot`, `stateroot`, `json`, and `reboot`, `lock_finalization` if there.
    """
    add_sysroot(parser)
    add_stateroot(parser)
    parser.add_argument("--json", action="store_true", help="print events, one JSON object a line")
    if reboot:
        parser.add_argument(
            "-r", "--reboot", action="store_true", help="reboot when something changed"
        )
    if lock:
        parser.add_argument(
            "--lock-finalization",
            action="store_true",
            help="stage it, but let it take its place only after finalize-deployment",
        )


def add_unchanged(parser: argparse.ArgumentParser) -> None:
    """--unchanged-exit-77."""
    parser.add_argument(
        "--unchanged-exit-77",
        action="store_true",
        help="exit with 77 when there was nothing to do",
    )


def host_values(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a HostTransaction that these options give."""
    return {
        "sysroot": str(options.sysroot),
        "osname": options.stateroot,
        "reboot": getattr(options, "reboot", False),
    }
