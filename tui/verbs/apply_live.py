"""Use the packages of the pending deployment at once, without a reboot.

They are put on a layer over /usr that the next boot drops: then the deployment itself runs. New
files come to /etc as well. Changed and removed packages are refused, because running programs
keep their files: reboot, or say --allow-replacement.

  photree install strace
  photree apply-live
  strace -V

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from tui.jobs import run_job
from tui.options import add_sysroot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-replacement", action="store_true", help="also change and remove packages"
    )
    parser.add_argument("--json", action="store_true", help="print events, one JSON object a line")
    add_sysroot(parser)


def run(options: argparse.Namespace) -> int:
    from engine.transactions.apply_live import ApplyLive  # noqa: PLC0415 - loads libostree

    transaction = ApplyLive(
        sysroot=str(options.sysroot), allow_replacement=options.allow_replacement
    )
    return run_job(options, transaction)
