"""Which objects a commit consists of, how large they are, and which a repository has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.ostree import OSTree, translated
from engine.repo import Repo

_SUFFIXES = {
    OSTree.ObjectType.FILE: "file",
    OSTree.ObjectType.DIR_TREE: "dirtree",
    OSTree.ObjectType.DIR_META: "dirmeta",
}


@dataclass(frozen=True)
class ObjectSize:
    """name: checksum and kind, "CHECKSUM.file" (dirtree, dirmeta). stored: bytes in an archive
    repository, which is what crosses the network. unpacked: bytes of the file's content."""

    name: str
    stored: int
    unpacked: int


def recorded_sizes(repo: Repo, checksum: str) -> tuple[ObjectSize, ...]:
    """What the commit says of its objects (its `ostree.sizes`); empty when it says nothing.

    The commit object must be here; its tree need not be.
    """
    with translated(f"read the commit {checksum} from {repo.path}"):
        _ok, variant, _state = repo.native.load_commit(checksum)
        if variant.get_child_value(0).lookup_value("ostree.sizes", None) is None:
            return ()
        _ok, entries = OSTree.commit_get_object_sizes(variant)
    return tuple(_object_size(entry) for entry in entries if entry.objtype in _SUFFIXES)


def missing(sizes: Iterable[ObjectSize], present: set[str]) -> tuple[ObjectSize, ...]:
    return tuple(size for size in sizes if size.name not in present)


def present_objects(repo: Repo) -> set[str]:
    """The names of the objects that the repository has. Reads directories only: 0.1 s for
    100,000 objects."""
    return set(_names_below(repo.path / "objects"))


def staged_objects(repo: Repo) -> set[str]:
    """The names of the objects that an interrupted pull by libostree left for the next one."""
    found: set[str] = set()
    for staging in (repo.path / "tmp").glob("staging-*/"):
        found.update(_names_below(staging))
    return found


def _object_size(entry: Any) -> ObjectSize:
    return ObjectSize(
        f"{entry.checksum}.{_SUFFIXES[entry.objtype]}", entry.archived, entry.unpacked
    )


def _names_below(folder: Path) -> Iterator[str]:
    """Archive repositories name a content object .filez: here it is a .file as well."""
    for prefix in range(256):
        start = f"{prefix:02x}"
        try:
            names = os.listdir(folder / start)  # noqa: PTH208 - Path.iterdir is 5x slower
        except FileNotFoundError:
            continue
        yield from (start + name.removesuffix("z") for name in names)
