"""The formats of content objects, compared with GLib's own reader and writer."""

import hashlib
import stat
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.import_worker import (
    DamagedObjectError,
    Importer,
    parse_header,
)
from engine.inflate import InflateError, Inflater, inflate_blocks
from engine.ostree import GLib

names = st.binary(min_size=1, max_size=20).map(lambda raw: raw.replace(b"\0", b"x"))
pairs = st.lists(st.tuples(names, st.binary(max_size=300)), max_size=6)
targets = st.text("abc/.é", max_size=300)
numbers = st.integers(0, 2**32 - 1)


def swap32(number: int) -> int:
    return int(struct.unpack("<I", struct.pack(">I", number))[0])


def variant(kind: str, *values: Any) -> bytes:
    return bytes(GLib.Variant(kind, values).get_data_as_bytes().get_data())


def make(
    content: bytes, mode: int = 0o100644, target: str = "", attributes: Any = (), uid: int = 0
) -> tuple[str, bytes]:
    """(checksum, bytes of an archive's object) as libostree makes them."""
    entries = [(name + b"\0", value) for name, value in attributes]
    fields = (swap32(uid), 0, swap32(mode), 0, target, entries)
    inner = variant("(uuuusa(ayay))", *fields)
    size = struct.unpack("<Q", struct.pack(">Q", len(content)))[0]
    outer = variant("(tuuuusa(ayay))", size, *fields)
    hashed = struct.pack(">II", len(inner), 0) + inner + content
    pack = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = pack.compress(content) + pack.flush() if content else b""
    checksum = hashlib.sha256(hashed).hexdigest()
    return checksum, struct.pack(">II", len(outer), 0) + outer + packed


@given(numbers, numbers, st.integers(0, 0o7777), targets, pairs)
def test_headers_are_read_as_glib_wrote_them(
    uid: int, gid: int, permissions: int, target: str, attributes: list[tuple[bytes, bytes]]
) -> None:
    mode = stat.S_IFREG | permissions
    entries = [(name + b"\0", value) for name, value in attributes]
    fields = (swap32(uid), swap32(gid), swap32(mode), 0, target, entries)
    header = parse_header(variant("(tuuuusa(ayay))", 0, *fields)[8:])
    inner = variant("(uuuusa(ayay))", *fields)
    assert (header.uid, header.gid, header.mode) == (uid, gid, mode)
    assert header.target.decode() == target
    assert list(header.xattrs) == attributes
    assert header.hashed == struct.pack(">II", len(inner), 0) + inner


@given(st.binary(max_size=80))
def test_a_header_of_random_bytes_is_refused_or_understood(raw: bytes) -> None:
    try:
        header = parse_header(raw.rjust(18, b"\0"))
    except ValueError:
        return
    assert stat.S_IFMT(header.mode) in (stat.S_IFREG, stat.S_IFLNK)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("objects", "staging"):
        for prefix in range(256):
            (tmp_path / name / f"{prefix:02x}").mkdir(parents=True)
    return tmp_path / "objects", tmp_path / "staging"


def take(folders: tuple[Path, Path], checksum: str, raw: bytes) -> Path:
    objects, staging = folders
    (objects / checksum[:2] / f"{checksum[2:]}.filez").write_bytes(raw)
    with Importer(str(objects), str(staging)) as importer:
        assert importer.take(checksum) == len(raw)
    return staging / checksum[:2] / f"{checksum[2:]}.file"


@pytest.mark.parametrize("size", [0, 1, 300_000, 5_000_000])
def test_contents_of_every_size_arrive_with_mode_owner_and_time(
    folders: tuple[Path, Path], size: int
) -> None:
    content = (b"photon " * (size // 7 + 1))[:size]
    path = take(folders, *make(content, 0o104755, uid=7))
    found = path.stat()
    assert path.read_bytes() == content
    assert (found.st_mode, found.st_uid, found.st_mtime) == (0o104755, 7, 0)


def test_links_and_attributes_arrive(folders: tuple[Path, Path]) -> None:
    import os

    link = take(folders, *make(b"", 0o120777, "../lib/os-release"))
    assert str(link.readlink()) == "../lib/os-release"
    attributes = [(b"user.test", b"value"), (b"user.empty", b"")]
    path = take(folders, *make(b"text", attributes=attributes))
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == {
        "user.test": b"value",
        "user.empty": b"",
    }


def damaged(checksum: str, raw: bytes) -> list[bytes]:
    """Other bytes under the same name: content, header, length, end, packing."""
    _checksum, forged = make(b"something else")
    _checksum, suid = make(b"hello" * 50, 0o104755)
    return [forged, suid, raw[:20], raw[:-3], raw[:36] + b"\xff" * 30, b""]


@pytest.mark.parametrize("case", range(6))
def test_a_damaged_object_is_refused_and_leaves_nothing(
    folders: tuple[Path, Path], case: int
) -> None:
    checksum, raw = make(b"hello" * 50)
    with pytest.raises(DamagedObjectError):
        take(folders, checksum, damaged(checksum, raw)[case])
    assert not [path for path in folders[1].rglob("*") if path.is_file()]


@pytest.mark.parametrize("size", [10, 9_000_000])  # at once, and block by block
def test_an_object_that_unpacks_to_more_than_it_says_is_refused(
    folders: tuple[Path, Path], size: int
) -> None:
    checksum, bomb = make(b"\0" * 50_000_000)
    forged = bomb[:8] + struct.pack(">Q", size) + bomb[16:]
    with pytest.raises(DamagedObjectError):
        take(folders, checksum, forged)
    assert not [path for path in folders[1].rglob("*") if path.is_file()]


@pytest.mark.parametrize("library", ["libdeflate.so.0", "no such library"])
@given(content=st.binary(max_size=2000), more=st.integers(-1, 1))
def test_both_ways_to_unpack_agree_and_keep_to_the_size(
    library: str, content: bytes, more: int
) -> None:
    pack = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = pack.compress(content) + pack.flush()
    inflater = Inflater(library)
    inflater.input[: len(packed)] = packed
    size = len(content) + more
    if more == 0:
        assert bytes(inflater.unpack(0, len(packed), size)) == content
    elif more > 0:
        with pytest.raises(InflateError):
            inflater.unpack(0, len(packed), size)
    elif size > 0:
        assert b"".join(inflate_blocks(memoryview(packed), -1, size)) == content[:size]


def test_what_an_interrupted_run_left_is_kept_only_when_it_is_whole(
    folders: tuple[Path, Path],
) -> None:
    checksum, raw = make(b"hello" * 50)
    path = take(folders, checksum, raw)
    whole = path.stat().st_ino
    assert take(folders, checksum, raw).stat().st_ino == whole
    path.write_bytes(b"")  # as after a power cut
    assert take(folders, checksum, raw).read_bytes() == b"hello" * 50
