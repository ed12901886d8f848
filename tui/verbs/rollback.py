"""Put the former deployment first, so that the next boot goes back to it.

It can be done any number of times: the next call brings the other deployment back to the front.
/etc is that of each deployment, /var is shared. A deployment that is staged for the next boot must
be discarded first (`photree cleanup -p`).

  photree rollback --reboot

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from tui.jobs import run_job
from tui.options import add_change_options, host_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_change_options(parser)


def run(options: argparse.Namespace) -> int:
    from engine.transactions.rollback import Rollback  # noqa: PLC0415 - loads libostree

    return run_job(options, Rollback(**host_values(options)))
