"""Installations as a front end has them: started, found again, watched, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from engine.events import Emit
from engine.jobs.client import start
from engine.jobs.job import Job
from engine.jobs.launcher import Launcher
from engine.jobs.outcome import Outcome
from engine.jobs.store import Store
from installer.install import KINDS, PROGRAM, Install
from installer.resume import Resumption
from installer.runner import StepInfo
from installer.workspace import JOBS


class Attempt(Protocol):
    """An installation that runs, or has ended. started: seconds since 1970."""

    @property
    def install(self) -> Install: ...

    @property
    def steps(self) -> tuple[StepInfo, ...]:
        """Those that are to be expected, in order."""
        ...

    @property
    def started(self) -> float: ...

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, None while it runs."""
        ...

    def follow(self, emit: Emit, stop: Callable[[], bool]) -> Outcome | None:
        """Report its events, from the first one, until it has ended or stop() says so (None)."""
        ...

    def cancel(self) -> None:
        """Ask it to stop, without waiting."""
        ...


class Installations(Protocol):
    """Each method raises PhotreeError."""

    def start(self, install: Install) -> Attempt: ...

    def running(self) -> Attempt | None: ...

    def last(self) -> Attempt | None:
        """The newest one, whether it runs or not."""
        ...

    def can_resume(self, install: Install) -> bool:
        """Whether a failed attempt at the same left something to go on with."""
        ...


@dataclass(frozen=True)
class JobAttempt:
    """An installation in its own process."""

    job: Job
    install: Install

    @classmethod
    def of(cls, job: Job) -> JobAttempt:
        transaction = job.specification.transaction(KINDS)
        assert isinstance(transaction, Install)  # noqa: S101 - the only kind there is
        return cls(job, transaction)

    @property
    def steps(self) -> tuple[StepInfo, ...]:
        return tuple(StepInfo(*step) for step in self.install.steps)

    @property
    def started(self) -> float:
        return self.job.specification.started

    @property
    def outcome(self) -> Outcome | None:
        return self.job.outcome

    def follow(self, emit: Emit, stop: Callable[[], bool]) -> Outcome | None:
        return self.job.follow(emit, stop=stop)

    def cancel(self) -> None:
        self.job.cancel()


class JobInstallations:
    """The installations of this machine since it was started."""

    def __init__(self, folder: Path = JOBS, launcher: Launcher | None = None) -> None:
        self._store = Store(folder)
        self._launcher = launcher or Launcher(PROGRAM)

    def start(self, install: Install) -> Attempt:
        job = start(self._store, install, launcher=self._launcher)
        return JobAttempt(job, replace(install, sysroot="/"))

    def running(self) -> Attempt | None:
        job = self._store.running()
        return JobAttempt.of(job) if job is not None else None

    def last(self) -> Attempt | None:
        job = next(iter(self._store.jobs()), None)
        return JobAttempt.of(job) if job is not None else None

    def can_resume(self, install: Install) -> bool:
        return Resumption(Path(install.leftover)).find(install.kickstart) is not None
