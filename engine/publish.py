"""A commit brought from one local repository into another, by several threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from engine.cancel import CancelToken
from engine.events import Emit, Progress
from engine.ostree import OSTree, run_blocking, translated
from engine.repo import Repo
from engine.treebuilder import committed_tree

_THREADS = 2
_BATCH = 200


def copy_objects(
    source: Repo,
    target: Repo,
    commit: str,
    *,
    known: str | None,
    emit: Emit,
    cancel: CancelToken,
    step: str = "publish",
) -> int:
    """Import a commit and what it is made of, inside a transaction of target.

    known: a commit that target has completely; its objects are not looked at. Returns the number
    of objects offered (target may have had some). Progress counts objects.
    """
    with translated(f"list the objects of {commit}"):
        objects = dict.fromkeys(_objects(committed_tree(source, commit)))
        if known is not None:
            for name in _objects(committed_tree(target, known)):
                objects.pop(name, None)
    names = list(objects)
    work = _Copying(source, target, names, emit=emit, step=step)
    with translated(f"import {commit} into {target.path}"):
        run_blocking(work.run, cancel)
        target.native.import_object_from_with_trust(
            source.native, OSTree.ObjectType.COMMIT, commit, True, None
        )
    return len(names) + 1


class _Copying:
    """libostree compresses without the interpreter's lock, so threads share the work."""

    def __init__(
        self,
        source: Repo,
        target: Repo,
        names: Sequence[tuple[Any, str]],
        *,
        emit: Emit,
        step: str,
    ) -> None:
        self._source = source
        self._target = target
        self._names = names
        self._emit = emit
        self._step = step
        self._done = 0
        self._lock = Lock()

    def run(self, native: Any) -> None:
        batches = [
            self._names[start : start + _BATCH] for start in range(0, len(self._names), _BATCH)
        ]
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="photree-publish") as pool:
            for result in [pool.submit(self._copy, batch, native) for batch in batches]:
                result.result()

    def _copy(self, batch: Sequence[tuple[Any, str]], native: Any) -> None:
        for kind, checksum in batch:
            self._target.native.import_object_from_with_trust(
                self._source.native, kind, checksum, True, native
            )
        with self._lock:
            self._done += len(batch)
            self._emit(Progress(self._step, self._done, len(self._names), "objects"))


def _objects(native: Any) -> Iterator[tuple[Any, str]]:
    """Every object of a tree, metadata objects too, as (type, checksum)."""
    yield OSTree.ObjectType.DIR_TREE, native.get_contents_checksum()
    yield OSTree.ObjectType.DIR_META, native.get_metadata_checksum()
    for checksum in native.get_files().values():
        yield OSTree.ObjectType.FILE, checksum
    for subtree in native.get_subdirs().values():
        yield from _objects(subtree)
