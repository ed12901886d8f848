"""Copies a commit out of a local archive repository with several processes.

libostree unpacks, hashes and writes the objects of a local pull with two threads at best, and pays
for each in its own staging. Here processes of `engine.import_worker` do that for the content, while
this one walks the tree and lets libostree import and verify the metadata. Every checksum is
verified. What is written is what libostree would have written (the tests run its fsck).

Interrupted at any moment the commit stays marked partial, and the next import keeps what is whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import OstreeError, PhotreeError, SignatureError
from engine.gvariant import array_items, offset_width, split_pair
from engine.import_worker import Failure, serve
from engine.objects import ObjectSize, present_objects
from engine.ostree import OSTree, translated
from engine.progress import ProgressMeter
from engine.repo import Repo

MAXIMUM_WORKERS = 4
_STAGING = "photree-import"  # below tmp/: libostree removes it when it is a day old
_BATCH_BYTES = 4 << 20
_BATCH_OBJECTS = 256
_AHEAD = 2  # batches given to a worker before it answers
_TURN_SECONDS = 0.1
_DIGEST = 32  # bytes of a checksum
_STEM = 2 * _DIGEST  # its digits


def can_import(source: Repo, target: Repo) -> bool:
    """Only from archive to bare, and as root, who alone may give files away."""
    return source.mode == "archive" and target.mode == "bare" and os.geteuid() == 0


def import_commit(
    source: Repo,
    target: Repo,
    checksum: str,
    sizes: Sequence[ObjectSize],
    meter: ProgressMeter,
    *,
    cancel: CancelToken,
    workers: int | None = None,
) -> None:
    """Bring all objects of the commit into target and mark it complete.

    The commit object itself must be in target already, verified and marked partial. sizes: of the
    objects that target lacks, as far as they are known: these are begun with while the tree is
    still being walked. On return everything is on the disk. meter counts bytes as stored in source.
    Raises SignatureError for a damaged object (naming it), OstreeError, Cancelled.
    """
    count = workers or min(os.cpu_count() or 1, MAXIMUM_WORKERS)
    with _staging(target) as staging, target.transaction():
        with (
            ThreadPoolExecutor(1) as background,
            _Workers(count, source.path / "objects", staging, cancel) as pool,
        ):
            walk = background.submit(_Walk(source, target, cancel).run, checksum)
            first = _largest_first(sizes)
            counter = _Counter(meter, sum(size.stored for size in first))
            pool.run(first, counter, walk)
            known = present_objects(target).union(size.name for size in first)
            rest = [name for name in walk.result() if name not in known]
            later = _largest_first(_measured(source, rest))
            counter.extend(sum(size.stored for size in later))
            pool.run(later, counter)
        cancel.check()
        target.sync()
        _publish(staging, target.path / "objects")
    target.sync()
    with translated(f"complete the commit {checksum} in {target.path}"):
        target.native.mark_commit_partial(checksum, False)


@dataclass
class _Counter:
    """Bytes done of bytes that are known to be needed."""

    meter: ProgressMeter
    total: int
    done: int = 0

    def add(self, count: int) -> None:
        self.done += count
        self.meter.update(self.done, self.total)

    def extend(self, count: int) -> None:
        self.total += count


class _Walk:
    """Imports directories and their metadata by libostree; finds the files below them."""

    def __init__(self, source: Repo, target: Repo, cancel: CancelToken) -> None:
        self._source = source
        self._target = target
        self._cancel = cancel

    def run(self, checksum: str) -> list[str]:
        """The names ("CHECKSUM.file") of every file in the commit's tree. Raises PhotreeError."""
        commit = self._target.load_commit(checksum)
        files: set[str] = set()
        seen: set[str] = set()
        self._import(OSTree.ObjectType.DIR_META, commit.tree_meta, seen)
        pending = [commit.tree]
        while pending:
            self._cancel.check()
            tree = pending.pop()
            if not self._import(OSTree.ObjectType.DIR_TREE, tree, seen):
                continue
            with translated(f"read the directory {tree} from {self._target.path}"):
                _ok, variant = self._target.native.load_variant(OSTree.ObjectType.DIR_TREE, tree)
            found = parse_directory(variant.get_data_as_bytes().get_data())
            files.update(f"{checksum}.file" for checksum in found.files)
            for folder, metadata in found.folders:
                pending.append(folder)
                self._import(OSTree.ObjectType.DIR_META, metadata, seen)
        return list(files)

    def _import(self, kind: object, checksum: str, seen: set[str]) -> bool:
        """False when this object was met before."""
        if checksum in seen:
            return False
        seen.add(checksum)
        with translated(f"import {checksum} from {self._source.path}"):
            self._target.native.import_object_from_with_trust(
                self._source.native, kind, checksum, False, None
            )
        return True


class _Workers:
    """Worker processes and their pipes; all gone when the block ends."""

    def __init__(self, count: int, objects: Path, staging: Path, cancel: CancelToken) -> None:
        self._count = count
        self._objects = objects
        self._staging = staging
        self._cancel = cancel
        self._processes: dict[Connection, BaseProcess] = {}
        self._open: dict[Connection, int] = {}  # batches a worker has not answered yet

    def __enter__(self) -> _Workers:
        context = multiprocessing.get_context("spawn")
        for _number in range(self._count):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=serve, args=(theirs, str(self._objects), str(self._staging)), daemon=True
            )
            process.start()
            theirs.close()
            self._processes[ours] = process
            self._open[ours] = 0
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        for connection in self._processes:
            connection.close()
        for process in self._processes.values():
            if kind is not None:
                process.kill()
            process.join()
            process.close()

    def run(
        self,
        objects: Sequence[ObjectSize],
        counter: _Counter,
        beside: Future[list[str]] | None = None,
    ) -> None:
        """Import the objects in this order. Stops early when `beside` failed."""
        batches = _batches(objects)
        exhausted = not self._feed(batches)
        while not exhausted or any(self._open.values()):
            self._cancel.check()
            if beside is not None and beside.done():
                beside.result()
            for connection in wait(list(self._processes), _TURN_SECONDS):
                assert isinstance(connection, Connection)  # noqa: S101 - for the type checker
                counter.add(self._receive(connection))
            exhausted = not self._feed(batches)

    def _feed(self, batches: Iterator[list[str]]) -> bool:
        """Keep every worker supplied; False when there is nothing left to give."""
        for _round in range(_AHEAD):
            for connection, waiting in self._open.items():
                if waiting < _AHEAD:
                    batch = next(batches, None)
                    if batch is None:
                        return False
                    with self._telling(connection):
                        connection.send(batch)
                    self._open[connection] += 1
        return True

    def _receive(self, connection: Connection) -> int:
        with self._telling(connection):
            answer = connection.recv()
        if isinstance(answer, Failure):
            raise _failure(answer, self._objects.parent)
        self._open[connection] -= 1
        return int(answer)

    @contextlib.contextmanager
    def _telling(self, connection: Connection) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as error:
            process = self._processes[connection]
            process.join(1)
            raise OstreeError(
                f"A process that imports objects ended early (exit code {process.exitcode}).",
                "Is there enough memory? Run it again: it resumes.",
            ) from error


def _failure(answer: Failure, repository: Path) -> PhotreeError:
    if answer.kind == "damaged":
        return SignatureError(
            f"Could not import from {repository}: the object {answer.subject} (file) is damaged; "
            f"{answer.reason}.",
            "The repository is damaged or was tampered with: check it with `ostree fsck`.",
        )
    return OstreeError(
        f"Could not import the object {answer.subject} from {repository}: {answer.reason}.",
        "Check the free space of the target, and the medium.",
    )


def _largest_first(sizes: Sequence[ObjectSize]) -> list[ObjectSize]:
    """Content only. Large ones first, so that no worker is left alone with one at the end."""
    files = [size for size in sizes if size.name.endswith(".file")]
    return sorted(files, key=lambda size: -size.stored)


def _measured(source: Repo, names: Sequence[str]) -> list[ObjectSize]:
    """The sizes of objects that the commit does not record."""
    sizes = []
    for name in names:
        path = source.path / "objects" / name[:2] / f"{name[2:]}z"
        try:
            sizes.append(ObjectSize(name, path.stat().st_size, 0))
        except FileNotFoundError:
            raise OstreeError(
                f"Could not import from {source.path}: it has no object {name}.",
                "The repository is incomplete: check it with `ostree fsck`.",
            ) from None
    return sizes


def _batches(objects: Sequence[ObjectSize]) -> Iterator[list[str]]:
    """Checksums in lists of a size that takes a worker some hundredths of a second."""
    batch: list[str] = []
    weight = 0
    for size in objects:
        batch.append(size.name[:_STEM])
        weight += size.stored
        if weight >= _BATCH_BYTES or len(batch) == _BATCH_OBJECTS:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


@contextlib.contextmanager
def _staging(target: Repo) -> Iterator[Path]:
    """The directory that content is written to before it is known to be on the disk.

    It outlives a failure, so that the next import finds what is done. One import at a time.
    """
    folder = target.path / "tmp" / _STAGING
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OstreeError(
                f"Another import into {target.path} is running.", "Wait until it has ended."
            ) from None
        for prefix in range(256):
            (folder / f"{prefix:02x}").mkdir(mode=0o755, exist_ok=True)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def _publish(staging: Path, objects: Path) -> None:
    """Move everything to where libostree looks for it: whole directories onto those that are
    empty still, which rename(2) replaces; else file by file."""
    for folder in staging.iterdir():
        place = objects / folder.name
        names = os.listdir(folder)  # noqa: PTH208 - Paths of 10,000 cost 0.3 s
        if not names:
            continue
        folder.chmod(0o755)  # whatever the caller's umask
        try:
            folder.rename(place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            for name in names:
                os.rename(f"{folder}/{name}", f"{place}/{name}")  # noqa: PTH104


@dataclass(frozen=True)
class Directory:
    """The checksums in a directory object. folders: (tree, metadata) of each."""

    files: tuple[str, ...]
    folders: tuple[tuple[str, str], ...]


def parse_directory(raw: bytes) -> Directory:
    """A directory object, (a(say)a(sayay)), that libostree found valid: names with checksums."""
    files, folders = split_pair(raw)
    return Directory(
        tuple(_body(item, 1)[-_DIGEST:].hex() for item in array_items(files)),
        tuple(
            (body[-2 * _DIGEST : -_DIGEST].hex(), body[-_DIGEST:].hex())
            for body in (_body(item, 2) for item in array_items(folders))
        ),
    )


def _body(item: bytes, offsets: int) -> bytes:
    """A tuple without the offsets at its end."""
    return item[: -offsets * offset_width(len(item))]
