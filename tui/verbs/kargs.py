"""Show or change the kernel arguments of the next boot.

Without an option for a change it prints them. A change makes a new deployment of the same commit.
ARG is KEY or KEY=VALUE.

  photree kargs --append=console=ttyS0 --delete=quiet
  photree kargs --replace=loglevel=3          # the only loglevel=
  photree kargs --replace=console=tty0=tty1   # one of several: KEY=OLD=NEW
  photree kargs --editor

Exit codes: 0 done, 1 failed, 77 nothing to change (with --unchanged-exit-77).
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tui.editor import edited_text
from tui.jobs import run_job
from tui.options import add_change_options, add_unchanged, host_values

_CHANGES = {
    "append": "add an argument at the end",
    "append-if-missing": "add an argument that is not there yet",
    "replace": "give an argument another value",
    "delete": "remove an argument",
    "delete-if-present": "remove an argument if it is there",
}
_EDITOR_TEXT = """\
# The kernel arguments of {version}, for the next boot.
# Lines that begin with # are ignored; an empty text changes nothing.
{arguments}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name, text in _CHANGES.items():
        parser.add_argument(f"--{name}", action="append", default=[], metavar="ARG", help=text)
    parser.add_argument("--editor", action="store_true", help="edit all arguments as a text")
    parser.add_argument(
        "--deploy-index", type=int, metavar="N", help="show those of the deployment N"
    )
    add_change_options(parser)
    add_unchanged(parser)


def run(options: argparse.Namespace) -> int:
    from engine.sysroot import Sysroot  # noqa: PLC0415 - loads libostree
    from engine.transactions.host import Host  # noqa: PLC0415
    from engine.transactions.kernel_arguments import KernelArguments  # noqa: PLC0415
    from engine.transactions.undeploy import deployment_at  # noqa: PLC0415

    names = [name.replace("-", "_") for name in _CHANGES]
    changes: dict[str, Any] = {name: tuple(getattr(options, name)) for name in names}
    sysroot = Sysroot.load(options.sysroot)
    shown = Host.of(sysroot, options.stateroot).newest
    if options.deploy_index is not None:
        shown = deployment_at(sysroot, options.deploy_index)
    if not options.editor and not any(changes.values()):
        sys.stdout.write(" ".join(shown.kernel_arguments) + "\n")
        return 0
    edited = None
    if options.editor:
        text = _EDITOR_TEXT.format(version=shown.id, arguments="\n".join(shown.kernel_arguments))
        edited = tuple(edited_text(text).split()) or shown.kernel_arguments
    transaction = KernelArguments(**host_values(options), **changes, edited=edited)
    return run_job(options, transaction)
