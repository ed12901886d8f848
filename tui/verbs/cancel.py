"""Cancel the active transaction, and wait until it has ended.

The deployments are then as they were before it. It is no error when nothing is running: the
transaction may just have ended.

  photree cancel

Exit codes: 0 done or nothing to cancel, 1 failed.
"""

from __future__ import annotations

import argparse
import sys

from tui.jobs import open_store
from tui.options import add_sysroot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sysroot(parser)


def run(options: argparse.Namespace) -> int:
    job = open_store(options.sysroot).running()
    if job is None:
        sys.stdout.write("No active transaction.\n")
        return 0
    sys.stdout.write(f"Cancelling transaction: {job.title}\n")
    sys.stdout.flush()
    job.cancel()
    ended = "Cancelled." if job.wait().cancelled else "It had ended before it could be cancelled."
    sys.stdout.write(ended + "\n")
    return 0
