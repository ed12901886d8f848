"""Deploy one version or commit of the followed ref, older or newer, and stay there.

REVISION is a version ("5.0_minimal.1"), looked for in the history of the ref on its server, or a
commit id. "revision=" and "version=" in front say which of the two is meant. The next `photree
upgrade` follows the ref again.

  photree deploy 5.0_minimal.1
  photree deploy revision=3f4a...

Exit codes: 0 done, 1 failed, 77 deployed already (with --unchanged-exit-77).
"""

from __future__ import annotations

import argparse

from tui.jobs import run_job
from tui.options import add_change_options, add_unchanged, host_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("revision", metavar="REVISION", help="version or commit id")
    add_change_options(parser, lock=True)
    add_unchanged(parser)


def run(options: argparse.Namespace) -> int:
    from engine.transactions.deploy import Deploy  # noqa: PLC0415 - loads libostree

    transaction = Deploy(
        **host_values(options),
        revision=options.revision,
        lock_finalization=options.lock_finalization,
    )
    return run_job(options, transaction)
