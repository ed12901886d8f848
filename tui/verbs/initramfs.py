"""Show or change whether this machine makes an initramfs of its own.

Without an option it prints the state. With --enable the initramfs is made here, by dracut, now and
at every upgrade; --arg gives dracut's arguments.

  photree initramfs --enable --arg=--add-drivers --arg=dm_crypt
  photree initramfs --disable

Exit codes: 0 done, 1 failed, 77 nothing to change (with --unchanged-exit-77).
"""

from __future__ import annotations

import argparse
import sys

from tui.jobs import run_job
from tui.options import add_change_options, add_unchanged, host_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--enable", action="store_true", help="make one on this machine")
    group.add_argument("--disable", action="store_true", help="use the tree's own")
    parser.add_argument(
        "--arg", action="append", default=[], metavar="ARG", help="an argument for dracut"
    )
    add_change_options(parser)
    add_unchanged(parser)


def run(options: argparse.Namespace) -> int:
    from engine.sysroot import Sysroot  # noqa: PLC0415 - loads libostree
    from engine.transactions.host import Host  # noqa: PLC0415
    from engine.transactions.initramfs import Initramfs  # noqa: PLC0415

    if not (options.enable or options.disable):
        origin = Host.of(Sysroot.load(options.sysroot), options.stateroot).newest.origin
        state = "enabled" if origin.regenerate_initramfs else "disabled"
        arguments = " ".join(origin.initramfs_arguments)
        sys.stdout.write(f"Initramfs regeneration: {state} {arguments}".rstrip() + "\n")
        return 0
    transaction = Initramfs(
        **host_values(options), regenerate=options.enable, arguments=tuple(options.arg)
    )
    return run_job(options, transaction)
