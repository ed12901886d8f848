"""Follow another ref, or another remote; also from one major release to the next.

REFSPEC is REMOTE:REF. "REMOTE:" keeps the ref, "REF" keeps the remote. /etc is merged, /var stays,
layered packages are carried along. The former ref is dropped from the repository unless
--skip-purge is given; its deployment stays for a rollback.

  photree rebase photon:photon/6.0/x86_64/minimal
  photree rebase srv2: 5.0_minimal.3

Exit codes: 0 done, 1 failed.
"""

from __future__ import annotations

import argparse

from engine.errors import PhotreeError
from tui.jobs import run_job
from tui.options import add_change_options, host_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("refspec", nargs="?", default="", metavar="REFSPEC", help="REMOTE:REF")
    parser.add_argument(
        "revision", nargs="?", default="", metavar="REVISION", help="a version or commit of it"
    )
    parser.add_argument("-b", "--branch", default="", metavar="REF", help="the ref to follow")
    parser.add_argument("-m", "--remote", default="", metavar="REMOTE", help="the remote to follow")
    parser.add_argument(
        "--skip-purge", action="store_true", help="keep the former ref in the repository"
    )
    add_change_options(parser, lock=True)


def run(options: argparse.Namespace) -> int:
    from engine.transactions.rebase import Rebase  # noqa: PLC0415 - loads libostree

    transaction = Rebase(
        **host_values(options),
        refspec=_refspec(options),
        revision=options.revision,
        skip_purge=options.skip_purge,
        lock_finalization=options.lock_finalization,
    )
    return run_job(options, transaction)


def _refspec(options: argparse.Namespace) -> str:
    given = bool(options.branch or options.remote)
    if given == bool(options.refspec):
        raise PhotreeError(
            "Name what to follow, once.", "Write REMOTE:REF, or use --remote and --branch."
        )
    if not given:
        return str(options.refspec)
    return f"{options.remote}:{options.branch}" if options.remote else str(options.branch)
