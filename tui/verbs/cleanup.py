"""Remove what is not needed any more: deployments, leftovers, downloaded metadata.

  photree cleanup -p     # discard what waits for the next boot
  photree cleanup -r     # remove the deployments to roll back to
  photree cleanup -bm    # leftovers of interrupted runs, metadata of RPM repositories

Pinned deployments stay. Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from tui.jobs import run_job
from tui.options import add_change_options, host_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-p", "--pending", action="store_true", help="remove pending deployments")
    parser.add_argument("-r", "--rollback", action="store_true", help="remove rollback deployments")
    parser.add_argument(
        "-b", "--base", action="store_true", help="remove leftovers and objects without use"
    )
    parser.add_argument(
        "-m", "--repomd", action="store_true", help="remove cached metadata of RPM repositories"
    )
    add_change_options(parser, reboot=False)


def run(options: argparse.Namespace) -> int:
    from engine.transactions.cleanup import Cleanup  # noqa: PLC0415 - loads libostree

    transaction = Cleanup(
        **host_values(options),
        pending=options.pending,
        rollback=options.rollback,
        base=options.base,
        metadata=options.repomd,
    )
    return run_job(options, transaction)
