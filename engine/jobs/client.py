"""Starts jobs, and runs a transaction as one while its events are shown."""

from __future__ import annotations

import contextlib
import os
import pwd
import time
from dataclasses import replace
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import CommandError, PhotreeError
from engine.events import Emit
from engine.jobs.job import Job
from engine.jobs.launcher import Launcher
from engine.jobs.specification import Specification
from engine.jobs.store import Store
from engine.transactions.transaction import Result, Transaction

_NO_LOGIN = 4294967295  # what the kernel says of a process that nobody logged in for


def start(
    store: Store,
    transaction: Transaction,
    *,
    command: str = "",
    launcher: Launcher | None = None,
) -> Job:
    """Start a transaction as a job; it runs when this returns.

    command: as the user typed it, for the history. The proxies of this process's environment are
    the job's, too. Raises BusyError while another job runs, and PhotreeError without privileges or
    when its process could not be started.
    """
    here = replace(transaction, sysroot=str(Path(transaction.sysroot).absolute()))
    specification = Specification.of(
        here,
        user=requester(),
        command=command,
        started=time.time(),
        environment=os.environ,
    )
    if os.geteuid() != 0:
        raise PhotreeError(f"{specification.title} needs root.", "Use sudo.")
    with store.preparing(specification) as folder:
        try:
            (launcher or Launcher()).launch(folder, specification.title)
        except CommandError as error:
            raise PhotreeError(
                f"Could not start {specification.title}: {error.message}", error.hint, error.detail
            ) from error
        return store.job(folder)


def run_transaction(
    store: Store,
    transaction: Transaction,
    emit: Emit,
    *,
    cancel: CancelToken | None = None,
    command: str = "",
    launcher: Launcher | None = None,
) -> Result:
    """Start a job, report its events, and return what its transaction returned.

    cancel: cancels the job; its end is waited for. The job goes on when this process is killed.
    Raises what `start` raises, Cancelled, and the error of a transaction that failed.
    """
    token = cancel or CancelToken()
    token.check()
    job = start(store, transaction, command=command, launcher=launcher)
    with token.calling(lambda: _cancel(job)):
        outcome = job.follow(emit) or job.wait()
    return outcome.get()


def requester() -> str:
    """The user who logged in, whoever they have become by now."""
    uid = os.getuid()
    with contextlib.suppress(OSError, ValueError):
        login = int(Path("/proc/self/loginuid").read_text())
        uid = uid if login == _NO_LOGIN else login
    name = os.environ.get("SUDO_USER", "") if uid == 0 else ""
    with contextlib.suppress(KeyError):
        name = name or pwd.getpwuid(uid).pw_name
    return name or str(uid)


def _cancel(job: Job) -> None:
    job.cancel()
