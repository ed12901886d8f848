"""Make /usr writable until the next boot, to try something out.

Changes are lost at the reboot; with --hotfix they stay for as long as this deployment is booted,
and a clone of it without them is there to roll back to.

  photree usroverlay

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from tui.jobs import run_job
from tui.options import add_sysroot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--hotfix", action="store_true", help="keep the changes across reboots")
    group.add_argument(
        "--transient", action="store_true", help="read-only until it is remounted writable"
    )
    parser.add_argument("--json", action="store_true", help="print events, one JSON object a line")
    add_sysroot(parser)


def run(options: argparse.Namespace) -> int:
    from engine.transactions.usroverlay import UsrOverlay  # noqa: PLC0415 - loads libostree

    mode = "hotfix" if options.hotfix else "transient" if options.transient else "development"
    return run_job(options, UsrOverlay(sysroot=str(options.sysroot), mode=mode))
