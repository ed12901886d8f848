"""Reading a .deb: an ar archive of two tar archives (deb(5)), packed with xz or gzip."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.errors import PackageError
from tests.distro.apt import parse_stanza

_MAGIC = b"!<arch>\n"
_HEADER = 60


@dataclass(frozen=True)
class Deb:
    """A package file and its control data. conffiles: absolute paths. timestamp: when packed."""

    path: Path
    control: Mapping[str, str]
    conffiles: frozenset[str]
    timestamp: int

    @contextmanager
    def contents(self) -> Iterator[tarfile.TarFile]:
        """The packaged files, as a stream: each member must be read when it comes."""
        with self.path.open("rb") as file:
            _seek_member(file, self.path, "data.tar")
            with tarfile.open(fileobj=file, mode="r|*") as contents:
                yield contents


def read_deb(path: Path) -> Deb:
    """Raises PackageError for anything that is no Debian package."""
    files: dict[str, bytes] = {}
    timestamp = 0
    with path.open("rb") as file:
        _seek_member(file, path, "control.tar")
        with tarfile.open(fileobj=file, mode="r|*") as control:
            for member in control:
                stream = control.extractfile(member)
                if stream is not None:
                    files[member.name.removeprefix("./")] = stream.read()
                    timestamp = max(timestamp, int(member.mtime))
    conffiles = files.get("conffiles", b"").decode().splitlines()
    return Deb(
        path,
        parse_stanza(files["control"].decode()),
        # "remove-on-upgrade /path" names a file that the package no longer has.
        frozenset(line.strip() for line in conffiles if line.startswith("/")),
        timestamp,
    )


def _seek_member(file: BinaryIO, path: Path, name: str) -> None:
    """Place file at the contents of the first ar member whose name begins with name."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise PackageError(f"{path} is no Debian package.")
    while header := file.read(_HEADER):
        if header[:16].decode("ascii", "replace").startswith(name):
            return
        size = int(header[48:58])
        file.seek(size + size % 2, 1)
    raise PackageError(f"{path} has no {name}.")
