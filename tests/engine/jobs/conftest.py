"""Stores of jobs whose processes end with the test."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.jobs.client import start
from engine.jobs.job import LOCK, Job
from engine.jobs.launcher import Launcher
from engine.jobs.process import send_signal
from engine.jobs.store import Store
from engine.transactions.transaction import Transaction
from tests.engine.jobs.kinds import PROGRAM, Waits

CLIENT = (sys.executable, "-P", "-m", "tests.engine.jobs.client")
SOURCE = Path(__file__).parents[3]


def until(condition: Callable[[], object]) -> None:
    """Wait; a test whose condition never comes true fails here."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


class Bench:
    """A store, and a folder in which its transactions leave and find files."""

    def __init__(self, folder: Path) -> None:
        self.jobs = folder / "photree/jobs"
        self.folder = folder
        self.store = Store(self.jobs)
        self.launcher = Launcher(PROGRAM)

    def start(self, transaction: Transaction, store: Store | None = None) -> Job:
        return start(store or self.store, transaction, command="photree x", launcher=self.launcher)

    def waiting(self) -> Job:
        """A job in the middle of its work."""
        job = self.start(Waits(folder=str(self.folder), words=("for", "it")))
        until((self.folder / "begun").exists)
        return job

    def go_on(self) -> None:
        (self.folder / "go").touch()

    def end(self) -> None:
        """Leave no process behind."""
        for job in self.store.jobs():
            send_signal(job.folder / LOCK, signal.SIGKILL)
            until(lambda job=job: not job.running)

    def client(self, verb: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*CLIENT, verb, str(self.jobs), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PYTHONPATH": str(SOURCE)},
            start_new_session=True,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.end()
