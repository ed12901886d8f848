"""Reboot into a deployment that was staged with --lock-finalization.

CHECKSUM is the commit that is expected: another one is not started.

  photree upgrade --lock-finalization
  photree finalize-deployment 3f4a...

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from engine.errors import PhotreeError
from tui.jobs import run_job
from tui.options import add_change_options, host_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checksum", nargs="?", default="", metavar="CHECKSUM")
    parser.add_argument(
        "--allow-missing-checksum", action="store_true", help="start whatever is staged"
    )
    parser.add_argument("--allow-unlocked", action="store_true", help="also when it is not locked")
    add_change_options(parser, reboot=False)


def run(options: argparse.Namespace) -> int:
    from engine.transactions.finalize import FinalizeDeployment  # noqa: PLC0415

    if not options.checksum and not options.allow_missing_checksum:
        raise PhotreeError(
            "Name the commit that is to be started.",
            "`photree status` shows it; or use --allow-missing-checksum.",
        )
    values = {**host_values(options), "reboot": True}
    transaction = FinalizeDeployment(
        **values, checksum=options.checksum, allow_unlocked=options.allow_unlocked
    )
    return run_job(options, transaction)
