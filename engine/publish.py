"""A tree brought from one local repository into another, by several threads."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from engine.cancel import CancelToken
from engine.events import Emit, Progress
from engine.objects import SUFFIXES, ObjectSize, pack_size
from engine.ostree import GLib, OSTree, run_blocking, translated
from engine.repo import Repo
from engine.treebuilder import committed_tree

_THREADS = 2
_BATCH = 200


def copy_tree(
    source: Repo,
    target: Repo,
    tree: tuple[str, str],
    *,
    known: str | None,
    emit: Emit,
    cancel: CancelToken,
    step: str = "publish",
) -> Any:
    """Import what a tree is made of, inside a transaction of target.

    tree: checksums of its contents and metadata. known: a commit that target has completely; its
    objects are not looked at. Progress counts objects. Returns the value of the commit's
    `ostree.sizes`, by which those who pull it know how many bytes are to come; None for a target
    that is no archive, which nobody pulls from over a network.
    """
    with translated(f"list the objects of the tree for {target.path}"):
        native = OSTree.MutableTree.new_from_checksum(source.native, *tree)
        objects = dict.fromkeys(_objects(native))
        offered = dict(objects)
        if known is not None:
            for name in _objects(committed_tree(target, known)):
                offered.pop(name, None)
    work = _Copying(source, target, list(offered), emit=emit, step=step)
    with translated(f"import the tree into {target.path}"):
        run_blocking(work.run, cancel)
        if target.mode != "archive":
            return None
        packed = sorted(pack_size(_measure(source, target, *name)) for name in objects)
    return GLib.Variant("aay", packed)


def _measure(source: Repo, target: Repo, kind: Any, checksum: str) -> ObjectSize:
    """unpacked: as libostree counts it, the content of a regular file, nothing for a link."""
    _ok, stored = target.native.query_object_storage_size(kind, checksum, None)
    name = f"{checksum}.{SUFFIXES[int(kind)]}"
    if kind != OSTree.ObjectType.FILE:
        return ObjectSize(name, stored, stored)
    status = (source.path / "objects" / name[:2] / name[2:]).lstat()
    return ObjectSize(name, stored, status.st_size if stat.S_ISREG(status.st_mode) else 0)


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
