"""Checks RPM files by librpm: the header's signature with the repository's own keys, then every
byte of the payload by the digest that the signed header has of it.

The keys come from a private key ring; neither the machine's rpm database nor its keys take part.
"""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import rpm

from engine.cancel import CancelToken
from engine.errors import PackageError, SignatureError
from engine.events import Emit
from engine.packages.keys import Keyring
from engine.packages.model import ResolvedPackage
from engine.packages.parallel import ByteCounter, in_parallel
from engine.packages.transport import CHUNK

_WORKERS = 4
# RPM file format: a lead of 96 bytes, then the signature header: magic, 4 reserved bytes, number of
# index entries, size of their data; an entry is tag, type, offset, count
_LEAD_SIZE = 96
_INTRO = struct.Struct(">4s4xII")
_ENTRY = struct.Struct(">IIII")
_MAGIC = b"\x8e\xad\xe8\x01"
_MAX_ENTRIES = 4096
_HEADER_SIGNATURES = frozenset({267, 268})  # RPMSIGTAG_DSA, RPMSIGTAG_RSA: of the header
_WHOLE_SIGNATURES = frozenset({1002, 1005})  # RPMSIGTAG_PGP, RPMSIGTAG_GPG: of header and payload
_DIGESTS = {8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}  # RFC 4880, section 9.4


@dataclass(frozen=True)
class _Payload:
    """What remains to be checked of a file: from start to its end."""

    package: ResolvedPackage
    path: Path
    start: int
    kind: str
    digest: str


def verify_packages(
    packages: Sequence[ResolvedPackage],
    paths: Sequence[Path],
    keys: Mapping[str, Keyring | None],
    emit: Emit,
    cancel: CancelToken,
    *,
    step: str = "verify",
) -> None:
    """Check that every file is its package, complete, and signed with a key of its repository.

    paths: in the order of packages. keys: by repository id; None where signatures do not count
    (digests are checked all the same). Raises SignatureError for the first bad file in that order
    (unsigned, unknown key, bad signature, damaged, another package), PackageError, Cancelled.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log, _logging_to(log):
        readers = {repo_id: _HeaderReader(ring, log) for repo_id, ring in keys.items()}
        payloads = []
        for package, path in zip(packages, paths, strict=True):
            cancel.check()
            payloads.append(readers[package.repo_id].read(package, path))
    total = sum(package.size for package in packages)
    counter = ByteCounter(total, emit, step)
    tasks = [partial(_check_payload, payload, counter) for payload in payloads]
    in_parallel(tasks, _WORKERS, emit, cancel, counter.report)


class _HeaderReader:
    """Reads and verifies headers with the keys of one repository."""

    def __init__(self, keyring: Keyring | None, log: IO[str]) -> None:
        self._signed = keyring is not None
        self._log = log
        self._transaction = rpm.TransactionSet()
        self._transaction.setKeyring(_native_keyring(keyring) if keyring else rpm.keyring())
        self._transaction.setVSFlags(0 if self._signed else rpm._RPMVSF_NOSIGNATURES)

    def read(self, package: ResolvedPackage, path: Path) -> _Payload:
        """Raises SignatureError, PackageError."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise PackageError(f"{path} cannot be read: {error.strerror}.") from error
        try:
            if self._signed:
                _require_signature(package, descriptor)
            header = self._header(package, descriptor)
            start = os.lseek(descriptor, 0, os.SEEK_CUR)
        finally:
            os.close(descriptor)
        _require_identity(package, header)
        digests = header[rpm.RPMTAG_PAYLOADDIGEST]
        kind = _DIGESTS.get(header[rpm.RPMTAG_PAYLOADDIGESTALGO] or 0)
        if not digests or kind is None:
            raise SignatureError(
                f"{_described(package)} has no digest of its payload in its header.",
                hint="It was built by an rpm older than 4.14; build it again.",
            )
        return _Payload(package, path, start, kind, str(digests[0]).lower())

    def _header(self, package: ResolvedPackage, descriptor: int) -> Any:
        self._log.seek(0)
        self._log.truncate()
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            return self._transaction.hdrFromFdno(descriptor)
        except rpm.error as error:
            self._log.seek(0)
            detail = self._log.read()
            key = detail.partition("key ID ")[2].partition(":")[0]
            if "not available" in str(error):
                raise SignatureError(
                    f"{_described(package)} is signed with an unknown key ({key}).",
                    hint="Add the key to gpgkey= of the repository, if the signer is trusted.",
                    detail=detail,
                ) from None
            what = "has a bad signature" if "Signature" in detail else "is damaged: its header"
            what += " does not match" if "damaged" in what else f" (key {key})"
            raise SignatureError(
                f"{_described(package)} {what}.",
                hint="It was changed after it was signed. Get it from the repository again.",
                detail=detail or str(error),
            ) from None


def _native_keyring(keyring: Keyring) -> Any:
    """librpm's key ring of the certificates and their subkeys.

    librpm takes subkeys in only where it reads keys from a database (4.18: rpmtsImportPubkey adds
    the main key alone to the ring in memory), so the keys go through a private one.
    """
    with tempfile.TemporaryDirectory(prefix="photree-keys-") as root:
        importing = rpm.TransactionSet(root)
        for certificate in keyring.certificates:
            if importing.pgpImportPubkey(certificate) != 0:
                raise SignatureError(
                    "A gpgkey of the package repositories is not usable for RPM packages.",
                    hint="RPM needs a version 4 OpenPGP key that can sign.",
                )
        importing.closeDB()
        loading = rpm.TransactionSet(root)
        ring = loading.getKeyring(True)
        loading.closeDB()
    return ring


def _require_signature(package: ResolvedPackage, descriptor: int) -> None:
    """librpm accepts unsigned files here, and only checks signatures that are there: look for one
    in the signature header, where it looks too."""
    tags = _signature_tags(os.pread(descriptor, _LEAD_SIZE + _INTRO.size + 65536, 0))
    if tags & _HEADER_SIGNATURES:
        return
    old = tags & _WHOLE_SIGNATURES
    raise SignatureError(
        f"{_described(package)} {'has no signature of its header' if old else 'is not signed'}.",
        hint="Sign it with rpmsign, or set gpgcheck=0 for the repository if it is trusted without.",
    )


def _signature_tags(start: bytes) -> frozenset[int]:
    """The tags of the signature header; none of what is no RPM (librpm says so then)."""
    intro = start[_LEAD_SIZE : _LEAD_SIZE + _INTRO.size]
    if len(intro) < _INTRO.size:
        return frozenset()
    magic, count, _size = _INTRO.unpack(intro)
    first = _LEAD_SIZE + _INTRO.size
    end = first + count * _ENTRY.size
    if magic != _MAGIC or count > _MAX_ENTRIES or end > len(start):
        return frozenset()
    return frozenset(tag for tag, *_rest in _ENTRY.iter_unpack(start[first:end]))


def _require_identity(package: ResolvedPackage, header: Any) -> None:
    """A good signature of another package is no proof of this one."""
    found = (
        header[rpm.RPMTAG_NAME],
        header[rpm.RPMTAG_EPOCH] or 0,
        header[rpm.RPMTAG_VERSION],
        header[rpm.RPMTAG_RELEASE],
        header[rpm.RPMTAG_ARCH],
    )
    wanted = (package.name, package.epoch, package.version, package.release, package.arch)
    if found != wanted:
        raise SignatureError(
            f"{_described(package)} is another package: the file says {header.nevra}.",
            hint="The repository's metadata does not fit its packages.",
        )


def _check_payload(
    payload: _Payload, counter: ByteCounter, cancel: CancelToken, _emit: Emit
) -> None:
    digest = hashlib.new(payload.kind)
    with payload.path.open("rb") as file:
        file.seek(payload.start)
        counter.add(payload.start)
        while chunk := file.read(CHUNK):
            cancel.check()
            digest.update(chunk)
            counter.add(len(chunk))
    if digest.hexdigest() != payload.digest:
        raise SignatureError(
            f"{_described(payload.package)} is damaged: its payload does not match its header.",
            hint="Get it from the repository again.",
            detail=f"expected {payload.kind}:{payload.digest}, found {digest.hexdigest()}",
        )


@contextmanager
def _logging_to(log: IO[str]) -> Iterator[None]:
    """librpm's messages go to a file instead of fd 2, which may be a screen."""
    rpm.setLogFile(log)
    try:
        yield
    finally:
        rpm.setLogFile(sys.__stderr__)


def _described(package: ResolvedPackage) -> str:
    of = f" of the repository {package.repo_id}" if package.repo_id else ""
    return f"The package {package.nevra}{of}"
