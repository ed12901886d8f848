"""Remove one deployment by its index in the boot order, as `photree status -v` shows it.

The booted deployment is never removed, a pinned one must be unpinned first.

  photree undeploy 1

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from tui.jobs import run_job
from tui.options import add_change_options, host_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("index", type=int, metavar="INDEX", help="of the deployment, from 0")
    add_change_options(parser, reboot=False)


def run(options: argparse.Namespace) -> int:
    from engine.transactions.undeploy import Undeploy  # noqa: PLC0415 - loads libostree

    return run_job(options, Undeploy(**host_values(options), index=options.index))
