"""Go back to the pure base tree: without layered packages, overrides and an initramfs of one's own.

  photree reset            # everything
  photree reset --overlays # only layered packages

Exit codes: 0 done, 1 failed, 77 nothing to reset (with --unchanged-exit-77).
"""

from __future__ import annotations

import argparse

from tui.jobs import run_job
from tui.options import add_change_options, add_unchanged, host_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-l", "--overlays", action="store_true", help="remove layered packages")
    parser.add_argument("-o", "--overrides", action="store_true", help="remove overrides")
    parser.add_argument(
        "-i", "--initramfs", action="store_true", help="use the tree's own initramfs"
    )
    add_change_options(parser)
    add_unchanged(parser)


def run(options: argparse.Namespace) -> int:
    from engine.transactions.reset import Reset  # noqa: PLC0415 - loads libostree

    transaction = Reset(
        **host_values(options),
        overlays=options.overlays,
        overrides=options.overrides,
        initramfs=options.initramfs,
    )
    return run_job(options, transaction)
