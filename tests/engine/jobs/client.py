"""A front end as a process of its own: `python -m tests.engine.jobs.client VERB STORE ARGUMENT`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from engine.cancel import CancelToken, cancelled_by_signals
from engine.errors import PhotreeError
from engine.events import Event, to_json
from engine.jobs.client import run_transaction, start
from engine.jobs.launcher import Launcher
from engine.jobs.store import Store
from tests.engine.jobs.kinds import PROGRAM, Waits


def show(event: Event) -> None:
    print(to_json(event), flush=True)


def main(verb: str, store: Store, folder: str) -> None:
    launcher = Launcher(PROGRAM)
    transaction = Waits(folder=folder, words=("for", "it"))
    if verb == "start-together":
        sys.stdin.readline()
        print(start(store, transaction, launcher=launcher).id)
    elif verb == "run":
        cancel = CancelToken()
        with cancelled_by_signals(cancel, (signal.SIGINT,)):
            result = run_transaction(store, transaction, show, cancel=cancel, launcher=launcher)
        print(result.message)
    else:
        running = store.running()
        assert running is not None
        running.follow(show)


if __name__ == "__main__":
    try:
        main(sys.argv[1], Store(Path(sys.argv[2])), sys.argv[3])
    except PhotreeError as error:
        print(f"{type(error).__name__}: {error.message}")
        sys.exit(1)
