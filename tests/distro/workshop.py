"""Building the packages that the cache does not have, by several processes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from engine.command import Commands, SystemCommands
from engine.errors import PackageError, PhotreeError
from engine.events import Emit, Progress
from tests.distro.rebuilds import mark_release
from tests.distro.rpms import EPOCH, build_rpm
from tests.distro.signing import Key, SigningHome, opened
from tests.distro.sources import Source
from tests.distro.tree import Tree

WORKERS = 2
_STEP = "distribution"


@dataclass(frozen=True)
class Job:
    """One package to have: key names its folder in the cache."""

    source: Source
    release: int
    key: str


class Workshop:
    """Built packages, each in a folder of its own that appears at once and complete."""

    def __init__(self, folder: Path, signer: Key, commands: Commands, emit: Emit) -> None:
        self._folder = folder
        self._signer = signer
        self._commands = commands
        self._emit = emit

    def find(self, job: Job) -> Path | None:
        """The RPM file of a job, when it was built before."""
        return next((self._folder / job.key).glob("*.rpm"), None)

    def build(self, jobs: Sequence[Job]) -> Mapping[str, Path]:
        """The RPM files by package name; those that are missing are built, large ones first.

        Raises PackageError naming the package that cannot be built.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        missing = [job for job in jobs if self.find(job) is None]
        if missing:
            with opened(self._signer, self._commands) as signing:
                self._build_missing(sorted(missing, key=lambda job: -job.source.size), signing)
        built = {job.source.name: self.find(job) for job in jobs}
        return {name: path for name, path in built.items() if path is not None}

    def _build_missing(self, jobs: Sequence[Job], signing: SigningHome) -> None:
        workers = min(WORKERS, len(jobs))
        with ProcessPoolExecutor(workers) as pool:
            futures = {pool.submit(_build, job, signing, self._folder): job for job in jobs}
            try:
                for done, future in enumerate(as_completed(futures), start=1):
                    name = futures[future].source.name
                    _raise_for(name, future.result())
                    self._emit(Progress(_STEP, done, len(jobs), "packages", note=name))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def _raise_for(name: str, failure: tuple[str, str] | None) -> None:
    if failure is not None:
        message, detail = failure
        raise PackageError(f"{name} could not be built: {message}", detail=detail)


def _build(job: Job, signing: SigningHome, folder: Path) -> tuple[str, str] | None:
    """Build one package in a worker process; a failure comes back as (message, detail)."""
    commands = SystemCommands()
    with tempfile.TemporaryDirectory(prefix="work-", dir=folder) as name:
        work = Path(name)
        try:
            tree = Tree(work / "root", EPOCH)
            tree.root.mkdir()
            package = job.source.make(tree, job.release, commands)
            if job.release > 1:
                package = mark_release(package, tree, job.source.recipe, job.release)
            rpm = build_rpm(package, tree, work, signing, commands)
        except PhotreeError as error:
            return error.message, error.detail
        finished = work / "finished"
        finished.mkdir()
        rpm.rename(finished / rpm.name)
        finished.rename(folder / job.key)
    return None
