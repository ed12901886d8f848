"""Watch the active transaction: all it has reported, then what it goes on to report.

Transactions run on their own. When the terminal that started one was closed, this shows it again.
Ctrl-C ends the watching, not the transaction (`photree cancel` does that). When none is active,
the result of the last one is shown.

  photree attach
  photree attach --json | jq .event

Exit codes: 0 the transaction ended well, or there is none; 1 it failed; 130 it was
cancelled, or is no longer watched.
"""

from __future__ import annotations

import argparse
import signal
import sys

from engine.cancel import CancelToken, cancelled_by_signals
from tui.console import EXIT_CANCELLED
from tui.jobs import console, open_store, show_result
from tui.options import add_sysroot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sysroot(parser)
    parser.add_argument("--json", action="store_true", help="print events, one JSON object a line")
    parser.add_argument("-v", "--verbose", action="store_true", help="show programs' output")


def run(options: argparse.Namespace) -> int:
    store = open_store(options.sysroot)
    job = store.running()
    if job is None:
        if not options.json:
            sys.stdout.write("No active transaction.\n")
        job = next(iter(store.jobs()), None)
        if job is None:
            return 0
        if not options.json:
            sys.stdout.write(f"The last one: {job.title}\n")
    stop = CancelToken()
    with cancelled_by_signals(stop, (signal.SIGINT,)):
        outcome = job.follow(console(options), stop=lambda: stop.cancelled)
    if outcome is None:
        sys.stderr.write(f"\n{job.title} goes on.\n")
        return EXIT_CANCELLED
    show_result(options, outcome.get())
    return 0
