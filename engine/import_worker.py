"""Unpacks and verifies content objects of an archive repository, in a process of its own.

Reads OBJECTS/ab/cdef....filez, checks that its content has the checksum in its name, and writes
it as libostree writes the objects of a bare repository: owner, mode and extended attributes on
the file itself, modification time 0 of regular files. The formats are those of libostree's
ostree-core.c. Imports nothing but the standard library: a process is ready in 50 ms.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection

from engine.gvariant import array_items, offset_width, split_pair
from engine.inflate import WHOLE, InflateError, Inflater, inflate_blocks

_BLOCK = 1 << 20
_REGULAR, _LINK = stat.S_IFREG, stat.S_IFLNK


class DamagedObjectError(Exception):
    """The object is not what its name says. args: its checksum, what is wrong."""


@dataclass(frozen=True)
class Header:
    """What an object says of its file. hashed: the bytes that its checksum begins with.
    xattrs: (name, value) pairs."""

    uid: int
    gid: int
    mode: int
    target: bytes
    xattrs: tuple[tuple[bytes, bytes], ...]
    hashed: bytes


@dataclass(frozen=True)
class Failure:
    """Why a worker stopped. kind: "damaged" or "system"; subject: the object's checksum."""

    kind: str
    subject: str
    reason: str


def serve(connection: Connection, objects: str, staging: str) -> None:
    """Import the lists of checksums that arrive until the other side closes the connection.

    objects, staging: existing directories. Answers each list with the number of bytes read, or
    with a Failure after which it ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the other side closes the connection
    os.umask(0)
    gone = contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError)
    with gone, Importer(objects, staging) as importer:
        while True:
            connection.send(_answer(importer, connection.recv()))


def _answer(importer: Importer, names: list[str]) -> int | Failure:
    done, name = 0, ""
    try:
        for name in names:
            done += importer.take(name)
    except DamagedObjectError as error:
        return Failure("damaged", name, str(error.args[1]))
    except OSError as error:
        return Failure("system", name, error.strerror or str(error))
    return done


class Importer:
    """Takes objects, one at a time, from one directory of objects into another."""

    def __init__(self, objects: str, staging: str) -> None:
        self._objects = os.open(objects, os.O_RDONLY | os.O_DIRECTORY)
        self._staging = os.open(staging, os.O_RDONLY | os.O_DIRECTORY)
        self._owner = (os.geteuid(), os.getegid())
        self._inflater = Inflater()

    def __enter__(self) -> Importer:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._objects)
        os.close(self._staging)

    def take(self, checksum: str) -> int:
        """Import one object; returns the bytes it takes in the archive.

        One that an earlier run left is kept when it is whole. Raises DamagedObjectError, OSError.
        """
        path = f"{checksum[:2]}/{checksum[2:]}"
        source = os.open(f"{path}.filez", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._objects)
        try:
            stored = os.readv(source, [self._inflater.input])
            size, header, body = read_start(checksum, self._inflater.input[:stored])
            if stat.S_IFMT(header.mode) == _LINK:
                self._write_link(checksum, f"{path}.file", header)
                return stored
            if stored < WHOLE and size <= WHOLE:
                blocks: Iterable[bytes | memoryview] = self._whole(body, stored, size)
            else:
                blocks = inflate_blocks(self._inflater.input[body:stored], source, size)
                stored = os.fstat(source).st_size
            self._write_file(checksum, f"{path}.file", header, blocks)
        except InflateError as error:
            raise DamagedObjectError(checksum, str(error)) from error
        finally:
            os.close(source)
        return stored

    def _whole(self, start: int, end: int, size: int) -> tuple[memoryview, ...]:
        return (self._inflater.unpack(start, end, size),) if size else ()

    def _write_link(self, checksum: str, path: str, header: Header) -> None:
        _compare(checksum, hashlib.sha256(header.hashed))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path, dir_fd=self._staging)
        os.symlink(header.target, path, dir_fd=self._staging)
        if (header.uid, header.gid) != self._owner:
            os.chown(path, header.uid, header.gid, dir_fd=self._staging, follow_symlinks=False)
        for name, value in header.xattrs:
            place = f"/proc/self/fd/{self._staging}/{path}"
            os.setxattr(place, name, value, follow_symlinks=False)

    def _write_file(
        self,
        checksum: str,
        path: str,
        header: Header,
        blocks: Iterable[bytes | memoryview],
    ) -> None:
        """Write, then compare: what turns out to be damaged is removed again."""
        target = self._create(checksum, path, header)
        if target is None:
            return
        digest = hashlib.sha256(header.hashed)
        try:
            try:
                for block in blocks:
                    digest.update(block)
                    _write_all(target, block)
                _compare(checksum, digest)
                self._finish(target, header)
            finally:
                os.close(target)
        except BaseException:
            os.unlink(path, dir_fd=self._staging)
            raise

    def _create(self, checksum: str, path: str, header: Header) -> int | None:
        """A new empty file, or None when an interrupted run left the whole of it."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        permissions = stat.S_IMODE(header.mode)
        try:
            return os.open(path, flags, permissions, dir_fd=self._staging)
        except FileExistsError:
            if self._is_whole(checksum, path, header):
                return None
            os.unlink(path, dir_fd=self._staging)
            return os.open(path, flags, permissions, dir_fd=self._staging)

    def _is_whole(self, checksum: str, path: str, header: Header) -> bool:
        """Its time is set last; its content is read again, since a power cut may have lost it."""
        found = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=self._staging)
        with os.fdopen(found, "rb") as file:
            status = os.fstat(found)
            if (status.st_mtime, status.st_mode, status.st_uid, status.st_gid) != (
                0,
                header.mode,
                header.uid,
                header.gid,
            ):
                return False
            digest = hashlib.sha256(header.hashed)
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest() == checksum

    def _finish(self, target: int, header: Header) -> None:
        if (header.uid, header.gid) != self._owner:
            os.fchown(target, header.uid, header.gid)
        for name, value in header.xattrs:
            os.setxattr(target, name, value)
        if header.mode & (stat.S_ISUID | stat.S_ISGID):  # chown and write clear them
            os.fchmod(target, stat.S_IMODE(header.mode))
        os.utime(target, (0, 0))


def read_start(checksum: str, start: memoryview) -> tuple[int, Header, int]:
    """(size of the unpacked content, header, where the packed content begins). Raises
    DamagedObjectError."""
    length = int.from_bytes(start[:4], "big")
    if len(start) < 8 + length or length < 26:  # no link, no attributes
        raise DamagedObjectError(checksum, "it is too short")
    raw = bytes(start[8 : 8 + length])
    try:
        header = parse_header(raw[8:])
    except ValueError as error:
        raise DamagedObjectError(checksum, str(error)) from error
    return int.from_bytes(raw[:8], "big"), header, 8 + length


@lru_cache(maxsize=512)
def parse_header(raw: bytes) -> Header:
    """The header of an archive's content object, without the size at its beginning.

    It is a GVariant (tuuuusa(ayay)): size, uid, gid, mode, rdev, link target, extended attributes;
    the checksum is made over (uuuusa(ayay)), so that the one framing offset, which says where the
    string ends, is 8 less. Few headers differ: hence the cache. Raises ValueError.
    """
    width = offset_width(len(raw) + 8)
    end = int.from_bytes(raw[-width:], "little") - 8
    if not 17 <= end <= len(raw) - width or raw[end - 1] != 0:
        raise ValueError("its header is malformed")
    uid, gid, mode, rdev = struct.unpack_from(">IIII", raw)
    if stat.S_IFMT(mode) not in (_REGULAR, _LINK) or rdev != 0 or mode & ~0o177777:
        raise ValueError(f"it is neither a file nor a link (mode {mode:o})")
    inner = raw[:-width]
    hashed = inner + end.to_bytes(_end_width(len(inner)), "little")
    return Header(
        uid,
        gid,
        mode,
        target=raw[16 : end - 1],
        xattrs=parse_pairs(raw[end:-width]),
        hashed=struct.pack(">II", len(hashed), 0) + hashed,
    )


def parse_pairs(raw: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """The pairs of a GVariant a(ayay) whose first strings end with a zero. Raises ValueError."""
    pairs = tuple(split_pair(item) for item in array_items(raw))
    if not all(name.endswith(b"\0") for name, _value in pairs):
        raise ValueError("its extended attributes are malformed")
    return tuple((name[:-1], value) for name, value in pairs)


def _end_width(body: int) -> int:
    """The same, of a container that consists of a body and one offset."""
    return next(width for width in (1, 2, 4) if offset_width(body + width) <= width)


def _compare(checksum: str, digest: hashlib._Hash) -> None:
    actual = digest.hexdigest()
    if actual != checksum:
        raise DamagedObjectError(checksum, f"its content has the checksum {actual}")


def _write_all(target: int, block: bytes | memoryview) -> None:
    written = os.write(target, block)
    while written < len(block):
        written += os.write(target, block[written:])
