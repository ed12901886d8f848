"""Keep deployments, whatever is deployed later; or let them go again with --unpin.

  photree pin 0          # keep the first one
  photree pin --unpin 0

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from tui.jobs import run_job
from tui.options import add_change_options, host_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("index", type=int, nargs="+", metavar="INDEX", help="of a deployment")
    parser.add_argument("-u", "--unpin", action="store_true", help="let them go again")
    add_change_options(parser, reboot=False)


def run(options: argparse.Namespace) -> int:
    from engine.transactions.pin import Pin  # noqa: PLC0415 - loads libostree

    transaction = Pin(**host_values(options), indices=tuple(options.index), unpin=options.unpin)
    return run_job(options, transaction)
