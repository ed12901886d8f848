"""Which objects a commit consists of, how large they are, and which a repository has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.gvariant import array_items
from engine.ostree import OSTree, translated
from engine.repo import Repo

SUFFIXES = {
    int(OSTree.ObjectType.FILE): "file",
    int(OSTree.ObjectType.DIR_TREE): "dirtree",
    int(OSTree.ObjectType.DIR_META): "dirmeta",
}
_CHECKSUM_BYTES = 32


@dataclass(frozen=True)
class ObjectSize:
    """name: checksum and kind, "CHECKSUM.file" (dirtree, dirmeta). stored: bytes in an archive
    repository, which is what crosses the network. unpacked: bytes of the file's content."""

    name: str
    stored: int
    unpacked: int


def content_path(repo: Repo, checksum: str) -> Path:
    """The file that a content object is in a bare repository. Writing to it damages the object."""
    return repo.path / "objects" / checksum[:2] / f"{checksum[2:]}.file"


def recorded_sizes(repo: Repo, checksum: str) -> tuple[ObjectSize, ...]:
    """What the commit says of its objects (its `ostree.sizes`); empty when it says nothing.

    The commit object must be here; its tree need not be.
    """
    with translated(f"read the commit {checksum} from {repo.path}"):
        _ok, variant, _state = repo.native.load_commit(checksum)
    entries = variant.get_child_value(0).lookup_value("ostree.sizes", None)
    if entries is None or entries.get_type_string() != "aay":
        return ()
    try:
        items = array_items(bytes(entries.get_data_as_bytes().get_data() or b""))
    except ValueError:  # malformed: it says nothing
        return ()
    return tuple(size for size in map(parse_size, items) if size is not None)


def parse_size(entry: bytes) -> ObjectSize | None:
    """An entry of `ostree.sizes`: checksum, stored and unpacked size (base 128, low digits first,
    the high bit says that more follow), object type. None for what is no object of a tree.

    libostree reads these too, but takes three times as long from Python. Old entries have no type:
    they may be anything, so they say nothing.
    """
    stored, position = _number(entry, _CHECKSUM_BYTES)
    unpacked, position = _number(entry, position)
    if position >= len(entry) or entry[position] not in SUFFIXES:
        return None
    name = f"{entry[:_CHECKSUM_BYTES].hex()}.{SUFFIXES[entry[position]]}"
    return ObjectSize(name, stored, unpacked)


def pack_size(size: ObjectSize) -> bytes:
    """The inverse of `parse_size`."""
    checksum, _, suffix = size.name.partition(".")
    kind = next(number for number, name in SUFFIXES.items() if name == suffix)
    return bytes.fromhex(checksum) + _digits(size.stored) + _digits(size.unpacked) + bytes([kind])


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


def _number(entry: bytes, position: int) -> tuple[int, int]:
    """(value, where it ended); an entry that ends too early counts as zeros."""
    value = shift = 0
    while position < len(entry):
        digit = entry[position]
        position += 1
        value |= (digit & 0x7F) << shift
        if digit < 0x80:
            break
        shift += 7
    return value, position


def _digits(value: int) -> bytes:
    digits = bytearray()
    while value >= 0x80:
        digits.append(0x80 | (value & 0x7F))
        value >>= 7
    return bytes([*digits, value])


def _names_below(folder: Path) -> Iterator[str]:
    """Archive repositories name a content object .filez: here it is a .file as well."""
    for prefix in range(256):
        start = f"{prefix:02x}"
        try:
            names = os.listdir(folder / start)  # noqa: PTH208 - Path.iterdir is 5x slower
        except FileNotFoundError:
            continue
        yield from (start + name.removesuffix("z") for name in names)
