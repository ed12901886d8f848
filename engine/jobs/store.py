"""The jobs of a system: one at a time, the last ones kept.

A job's folder has its name only once its process holds its lock: what can be seen is running or
has ended. Folders that are being prepared, or removed, have names that begin with a dot.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import OstreeError, PhotreeError
from engine.jobs import process
from engine.jobs.job import EVENTS, LOCK, OUTPUT, SPECIFICATION, Job
from engine.jobs.specification import Specification
from engine.state_file import sync_folder

if TYPE_CHECKING:
    from engine.sysroot import Sysroot

KEPT = 50
_STATE = "var/lib/photree"
_PREPARED, _REMOVED = ".new-", ".old-"
_DAY = 86400
_TURN_SECONDS = 0.03


class BusyError(PhotreeError):
    """Another job is running. job: that one."""

    def __init__(self, job: Job) -> None:
        super().__init__(
            f"photree is busy: {job.title} (process {job.pid}, since "
            f"{_clock_time(job.specification.started)}, started by {job.specification.user}).",
            "Watch it with `photree attach`, or cancel it with `photree cancel`.",
        )
        self.job = job


def state_folder(sysroot: Sysroot) -> Path:
    """Where photree keeps what it knows of a system: in the /var that the system has when it runs.

    Raises OstreeError for a system root without a deployment.
    """
    if sysroot.is_booted:
        return Path("/") / _STATE
    deployments = sysroot.deployments
    if not deployments:
        raise OstreeError(f"There is no deployment in {sysroot.path}.", "Install a system first.")
    return sysroot.path / "ostree/deploy" / deployments[0].osname / _STATE


class Store:
    """folder: where the jobs are, made with the first one. Its content is root's alone: every
    method raises PhotreeError without privileges."""

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        self._folder = folder.absolute()
        self._kept = kept

    def jobs(self) -> tuple[Job, ...]:
        """Newest first. A folder that a power failure left unreadable is passed over."""
        with _privileged(self._folder):
            return tuple(self._load())

    def running(self) -> Job | None:
        """Only the newest one can be: the next one begins when it has ended."""
        with _privileged(self._folder):
            newest = next(self._load(), None)
            return newest if newest is not None and newest.running else None

    def _load(self) -> Iterator[Job]:
        for folder in self._visible():
            with contextlib.suppress(FileNotFoundError, ValueError):
                yield Job.load(folder)

    @contextlib.contextmanager
    def preparing(self, specification: Specification) -> Iterator[Path]:
        """A folder for a process to begin with, by `begin`, before this block ends.

        Only one process at a time gets here. Removes what starts that were broken off have left,
        and the oldest jobs. Raises BusyError, and PhotreeError when the disk is full.
        """
        with _privileged(self._folder):
            self._make_folder()
            with self._locked():
                self._remove_leftovers()
                running = self.running()
                if running is not None:
                    raise BusyError(running)
                folder = self._prepare(specification)
                try:
                    yield folder
                finally:
                    _remove(folder)
                self._remove_oldest()

    def job(self, prepared: Path) -> Job:
        """The one that has begun with a prepared folder."""
        with _privileged(self._folder):
            return Job.load(begun_folder(prepared))

    def tidy(self) -> int:
        """Remove what starts that were broken off have left; returns how many."""
        with _privileged(self._folder):
            if not self._folder.is_dir():
                return 0
            with self._locked():
                return self._remove_leftovers()

    def _make_folder(self) -> None:
        """What is next to it is for everybody's eyes, whatever the caller's umask."""
        parent = self._folder.parent
        if not parent.is_dir():
            parent.mkdir(parents=True)
            parent.chmod(0o755)
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def _visible(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        found = [each for each in self._folder.iterdir() if not each.name.startswith(".")]
        return sorted(found, reverse=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        file = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _prepare(self, specification: Specification) -> Path:
        """Numbers go up whatever the clock does: the order of names is that of time."""
        newest = next((each.name for each in self._visible()), "0")
        number = int(newest.partition("-")[0]) + 1
        when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(specification.started))
        folder = self._folder / f"{_PREPARED}{number:06}-{when}"
        folder.mkdir(mode=0o700)
        for name in (EVENTS, OUTPUT, LOCK):
            (folder / name).touch(mode=0o600)
        write_durably(folder / SPECIFICATION, specification.to_json())
        return folder

    def _remove_leftovers(self) -> int:
        """Of starters that were killed. Waits for a process that is just about to begin."""
        removed = 0
        while left := sorted(self._folder.glob(".*-*")):
            for folder in left:
                if not process.is_held(folder / LOCK):
                    removed += _remove(folder)
            if folder.exists():
                time.sleep(_TURN_SECONDS)
        return removed

    def _remove_oldest(self) -> None:
        for folder in self._visible()[self._kept :]:
            _remove(folder)


def begun_folder(prepared: Path) -> Path:
    """The name that a prepared folder gets when its process begins."""
    return prepared.with_name(prepared.name.removeprefix(_PREPARED))


def write_durably(path: Path, text: str) -> None:
    """Replace a file, readable by its owner only, in one step that a power failure respects."""
    new = path.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with open(os.open(new, flags, 0o600), "w") as file:  # noqa: PTH123 - for the mode
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    sync_folder(path.parent)


@contextlib.contextmanager
def _privileged(folder: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise PhotreeError(f"The jobs in {folder} need root.", "Use sudo.") from error
    except OSError as error:
        raise PhotreeError(
            f"Could not record a job in {folder}: {error.strerror}.",
            "Make room on the disk, or check that it can be written.",
        ) from error


def _remove(folder: Path) -> bool:
    """Remove a folder, unless it has got another name meanwhile: a process began with it. One that
    wants to begin later does not find it any more."""
    gone = folder.with_name(f"{_REMOVED}{folder.name.lstrip('.')}")
    try:
        folder.rename(gone)
    except FileNotFoundError:
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True


def _clock_time(seconds: float) -> str:
    """Local time, with the date when that is another one."""
    recent = abs(time.time() - seconds) < _DAY
    return time.strftime("%H:%M:%S" if recent else "%Y-%m-%d %H:%M:%S", time.localtime(seconds))
