"""A tree brought from one local repository into another, by several threads."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from engine.cancel import CancelToken
from engine.events import Emit, Progress
from engine.objects import SUFFIXES, ObjectSize, pack_size, recorded_sizes
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
        objects = {_name(*each): each for each in _objects(native)}
        there = _sizes_of(target, known) if known is not None else {}
    new = [each for name, each in objects.items() if name not in there]
    work = _Copying(source, target, new, emit=emit, step=step)
    with translated(f"import the tree into {target.path}"):
        run_blocking(work.run, cancel)
        if target.mode != "archive":
            return None
        sizes = (
            there.get(name) or _measure(source, target, *each) for name, each in objects.items()
        )
        return _byte_strings(sorted(pack_size(size) for size in sizes))


def _byte_strings(values: Sequence[bytes]) -> Any:
    """An aay. GLib.Variant("aay", values) makes an object of each byte: 2 s for 10,000 values."""
    kind = GLib.VariantType.new("ay")
    items = [GLib.Variant.new_from_bytes(kind, GLib.Bytes.new(value), True) for value in values]
    return GLib.Variant.new_array(kind, items)


def _sizes_of(repo: Repo, commit: str) -> dict[str, ObjectSize | None]:
    """By name, every object of a commit that is complete; None where it records no size."""
    recorded = recorded_sizes(repo, commit)
    if recorded:
        return {size.name: size for size in recorded}
    return {_name(*each): None for each in _objects(committed_tree(repo, commit))}


def _measure(source: Repo, target: Repo, kind: Any, checksum: str) -> ObjectSize:
    """unpacked: as libostree counts it, the content of a regular file, nothing for a link."""
    _ok, stored = target.native.query_object_storage_size(kind, checksum, None)
    name = _name(kind, checksum)
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


def _name(kind: Any, checksum: str) -> str:
    return f"{checksum}.{SUFFIXES[int(kind)]}"


def _objects(native: Any) -> Iterator[tuple[Any, str]]:
    """Every object of a tree, metadata objects too, as (type, checksum)."""
    yield OSTree.ObjectType.DIR_TREE, native.get_contents_checksum()
    yield OSTree.ObjectType.DIR_META, native.get_metadata_checksum()
    for checksum in native.get_files().values():
        yield OSTree.ObjectType.FILE, checksum
    for subtree in native.get_subdirs().values():
        yield from _objects(subtree)
