"""One RPM file on disk: its header, and the identity rpm-ostree gives it."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import rpm

from engine.errors import PackageError
from engine.packages.model import PackageId

# RPM file format, "lead": 96 bytes; then two header structures of the same shape
_LEAD_SIZE = 96
_HEADER_MAGIC = b"\x8e\xad\xe8"
_HEADER_INTRO = struct.Struct(">4s4xII")
_INDEX_ENTRY_SIZE = 16
_SAFE_IN_REF = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")


@dataclass(frozen=True)
class PackagedFile:
    """One entry of a package's file list. path: absolute, as in the package.

    mode: type and permission bits. caps: libcap's text form, empty for none. digest: of a regular
    file's content, by the package's own algorithm.
    """

    path: str
    mode: int
    user: str
    group: str
    caps: str
    target: str
    flags: int
    langs: str
    digest: str

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_symlink(self) -> bool:
        return stat.S_ISLNK(self.mode)

    @property
    def is_regular(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_ghost(self) -> bool:
        return bool(self.flags & rpm.RPMFILE_GHOST)

    @property
    def is_documentation(self) -> bool:
        return bool(self.flags & rpm.RPMFILE_DOC)


@dataclass(frozen=True)
class RpmHeader:
    """A package as its header describes it; `header` is librpm's."""

    header: Any

    @cached_property
    def name(self) -> str:
        return str(self.header["name"])

    @cached_property
    def epoch(self) -> int:
        return int(self.header["epoch"] or 0)

    @cached_property
    def version(self) -> str:
        return str(self.header["version"])

    @cached_property
    def release(self) -> str:
        return str(self.header["release"])

    @cached_property
    def arch(self) -> str:
        return str(self.header["arch"])

    @cached_property
    def build_time(self) -> int:
        """Seconds since 1970."""
        return int(self.header["buildtime"] or 0)

    @property
    def basenames(self) -> list[str]:
        """The last parts of all paths of `files`, in its order: much faster to get."""
        return list(self.header[rpm.RPMTAG_BASENAMES] or ())

    @property
    def id(self) -> PackageId:
        return PackageId(self.name, self.epoch, self.version, self.release, self.arch)

    @property
    def nevra(self) -> str:
        """name-[epoch:]version-release.arch, as rpm prints it."""
        return self.id.nevra

    def files(self) -> Iterator[PackagedFile]:
        """Every entry of the file list, ghosts included, in the package's order."""
        for entry in rpm.files(self.header):
            yield PackagedFile(
                entry.name,
                entry.mode,
                entry.user,
                entry.group,
                entry.caps or "",
                entry.linkto or "",
                entry.fflags,
                entry.langs or "",
                entry.digest or "",
            )


@dataclass(frozen=True)
class RpmFile(RpmHeader):
    """An RPM file. head: its lead, signature and header, all that is known of a package whose
    payload was unpacked before. head_sha256: what rpm-ostree names a package's content by (not the
    sha256 of the whole file)."""

    path: Path
    head: bytes
    head_sha256: str

    @classmethod
    def open(cls, path: Path) -> RpmFile:
        """Read the header; signatures and digests are the downloader's matter.

        Raises PackageError for a file that is missing or no RPM.
        """
        try:
            with path.open("rb") as file:
                head = _read_head(file.fileno())
                file.seek(0)
                header = reading_transaction().hdrFromFdno(file)
        except (OSError, ValueError, struct.error, rpm.error) as error:
            raise PackageError(
                f"{path} cannot be read as an RPM package: {error}.", "Download it again."
            ) from error
        return cls(header, path, head, hashlib.sha256(head).hexdigest())

    @property
    def cache_ref(self) -> str:
        return cache_ref(self.id)


def cache_ref(package: PackageId) -> str:
    """The ref rpm-ostree keeps the unpacked package under."""
    return f"rpmostree/pkg/{_in_ref(package.name)}/{_in_ref(f'{package.evr}.{package.arch}')}"


def reading_transaction() -> Any:
    """librpm's way to read headers, which verifies nothing."""
    transaction = rpm.TransactionSet()
    # the mask of everything that could be verified, here turned off
    transaction.setVSFlags(rpm._RPMVSF_NODIGESTS | rpm._RPMVSF_NOSIGNATURES)
    return transaction


def _read_head(descriptor: int) -> bytes:
    """Lead, signature header (padded to 8 bytes) and header. Raises ValueError for another file."""
    signature_end = _header_end(descriptor, _LEAD_SIZE)
    start = signature_end + (-signature_end % 8)
    end = _header_end(descriptor, start)
    head = os.pread(descriptor, end, 0)
    if len(head) != end:
        raise ValueError("the file ends inside its header")
    return head


def _header_end(descriptor: int, start: int) -> int:
    magic, entries, data_size = _HEADER_INTRO.unpack(
        os.pread(descriptor, _HEADER_INTRO.size, start)
    )
    if magic[:3] != _HEADER_MAGIC:
        raise ValueError("it has no RPM header")
    return start + _HEADER_INTRO.size + int(entries) * _INDEX_ENTRY_SIZE + int(data_size)


def _in_ref(text: str) -> str:
    """Letters, digits, "." and "-" as they are, "_" doubled, the rest as _XX."""
    return "".join(
        char
        if char in _SAFE_IN_REF
        else "__"
        if char == "_"
        else "".join(f"_{byte:02X}" for byte in char.encode())
        for char in text
    )
