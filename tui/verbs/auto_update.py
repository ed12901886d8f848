"""Do what the policy in /etc/photree.conf asks for; photree-automatic.timer runs this.

  none    nothing
  check   look for an update; `photree status` shows it
  stage   download it, so that the next reboot starts it
  apply   download it, and reboot: within a maintenance window if there is one (Window=), with the
          leave of a FleetLock server if there is one (BaseUrl=). Until then this is run again by
          itself, at the window's beginning, or after a refusal in ever longer pauses.

A version that failed its health checks on this machine (see `photree health --help`), or that
somebody went back from, is not taken again. What an administrator chose for the next boot stays:
after `rollback`, `rebase`, `deploy` and `--lock-finalization` nothing is staged over it. Packages
and kernel arguments that wait for the next boot are carried into an update, and are no reason to
reboot. What a run came to is shown by `photree status`.

  systemctl enable --now photree-automatic.timer   # let it run by itself
  photree auto-update                              # run it once, now

With --steady it gives the reboot slot of a FleetLock server back, if this machine has one.

Exit codes: 0 done, or nothing to do; 1 failed, which includes a configuration that is not valid.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import threading
from datetime import datetime
from pathlib import Path

from engine.cancel import CancelToken, cancelled_by_signals
from engine.command import SystemCommands
from engine.errors import PhotreeError
from engine.events import Emit
from engine.transactions.transaction import Result, Transaction
from engine.updates.automatic import AutomaticUpdate
from engine.updates.configuration import Settings, read_settings
from engine.updates.fleetlock import Slot
from engine.updates.record import SLOT_FILE, LastRun, read_last_run, write_last_run
from engine.updates.restarts import SystemdRestarts
from tui.console import PlainConsole

_ROOT = Path("/")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--random-delay",
        action="store_true",
        help="wait for a random time before, RandomDelay= at most",
    )
    parser.add_argument(
        "--steady", action="store_true", help="give the reboot slot back, and do nothing else"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show programs' output")


def run(options: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise PhotreeError("auto-update needs root.", "Use sudo.")
    if options.steady:
        given = Slot(_ROOT / SLOT_FILE).give_back()
        sys.stdout.write("The reboot slot was given back.\n" if given else "There was no slot.\n")
        return 0
    settings = read_settings(_ROOT)
    settings.require_valid()
    if settings.policy == "none":
        sys.stdout.write("Automatic updates are not enabled.\n")
        return 0
    cancel = CancelToken()
    with cancelled_by_signals(cancel):
        if options.random_delay:
            _wait(random.uniform(0, settings.random_delay), cancel)  # noqa: S311 - no secret
        done = _update(settings, PlainConsole(verbose=options.verbose), cancel)
    sys.stdout.write(f"{done.message}\n")
    return 0


def _update(settings: Settings, show: Emit, cancel: CancelToken) -> LastRun:
    from engine.jobs.client import run_transaction  # noqa: PLC0415 - both load libostree,
    from engine.updates.host_updater import HostUpdater  # noqa: PLC0415 - and a delay may come first
    from tui.jobs import open_store  # noqa: PLC0415

    def execute(transaction: Transaction, emit: Emit) -> Result:
        store = open_store(_ROOT)
        return run_transaction(
            store, transaction, emit, cancel=cancel, command="photree auto-update"
        )

    return AutomaticUpdate(
        settings,
        HostUpdater(_ROOT, execute, show, cancel),
        SystemdRestarts(SystemCommands(show, cancel), settings.fleet_lock, Slot(_ROOT / SLOT_FILE)),
        now=datetime.now,
        save=write_last_run,
    ).run(read_last_run(_ROOT))


def _wait(seconds: float, cancel: CancelToken) -> None:
    """Raises Cancelled as soon as a signal asks for it."""
    asked = threading.Event()
    with cancel.calling(asked.set):
        asked.wait(seconds)
    cancel.check()
