"""One file from a URL into a cache: resumed, checksum verified while it comes, renamed at the end.

A part that was got before stays beside the target as `NAME.part` until it is complete.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import PackageError, SignatureError
from engine.packages.model import Checksum, without_password
from engine.packages.transport import CHUNK, Body, FetchError, Transport

OnBytes = Callable[[int], None]
_LOCK_TURN_SECONDS = 0.1


@dataclass(frozen=True)
class Wanted:
    """A file by what the metadata says of it. what: how messages call it ("the package a-1.noarch
    of the repository main"). size: in bytes, None when it is not known."""

    what: str
    urls: tuple[str, ...]
    checksum: Checksum
    size: int | None


def file_checksum(path: Path, kind: str, cancel: CancelToken) -> Checksum:
    """Raises OSError, Cancelled."""
    with path.open("rb") as file:
        digest = _hashed(file.fileno(), hashlib.new(kind), cancel)
    return Checksum(kind, digest.hexdigest())


def download(
    wanted: Wanted, target: Path, transport: Transport, cancel: CancelToken, on_bytes: OnBytes
) -> None:
    """Get wanted into target; nothing is done when target is there with the right checksum.

    on_bytes: told the number of bytes that came nearer the end, at once for those already here
    (negative when a part has to be thrown away). Raises FetchError, SignatureError for a wrong
    checksum, PackageError when the cache cannot be written, Cancelled.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        with _locked(part, cancel) as descriptor:
            if _is_complete(wanted, target, cancel):
                on_bytes(target.stat().st_size)
                part.unlink()
                return
            _fill(wanted, descriptor, transport, cancel, on_bytes)
            part.rename(target)
    except OSError as error:
        raise PackageError(
            f"{wanted.what} could not be stored in {target.parent}: {error.strerror}.",
            hint="Is there enough space?" if error.errno == errno.ENOSPC else "",
        ) from error


def _is_complete(wanted: Wanted, target: Path, cancel: CancelToken) -> bool:
    """Whether target is what is wanted; a damaged one is removed."""
    try:
        if file_checksum(target, wanted.checksum.kind, cancel) == wanted.checksum:
            return True
    except FileNotFoundError:
        return False
    target.unlink()
    return False


def _fill(
    wanted: Wanted, descriptor: int, transport: Transport, cancel: CancelToken, on_bytes: OnBytes
) -> None:
    """Complete the part, from the first URL that has it."""
    errors: list[FetchError | SignatureError] = []
    part = _Part(wanted, descriptor, transport, cancel, on_bytes)
    for url in wanted.urls:
        try:
            transport.patiently(partial(part.complete, url))
            return
        except (FetchError, SignatureError) as error:
            errors.append(error)
    raise _worst(errors, wanted)


def _worst(errors: Sequence[FetchError | SignatureError], wanted: Wanted) -> Exception:
    """A wrong checksum is worth more notice than a mirror that does not answer."""
    for error in errors:
        if isinstance(error, SignatureError):
            return error
    first = errors[0]
    more = f" ({len(errors) - 1} other URLs failed too)" if len(errors) > 1 else ""
    detail = "\n".join(f"{error.message} {error.detail}" for error in errors)
    return FetchError(f"{wanted.what}: {first.message}{more}", first.hint, detail)


class _Part:
    """What is here of a wanted file; on_bytes hears of every change of its size."""

    def __init__(
        self,
        wanted: Wanted,
        descriptor: int,
        transport: Transport,
        cancel: CancelToken,
        on_bytes: OnBytes,
    ) -> None:
        self._wanted = wanted
        self._part = descriptor
        self._transport = transport
        self._cancel = cancel
        self._on_bytes = on_bytes
        self._counted = 0

    def complete(self, url: str) -> None:
        """A part whose checksum is wrong in the end is thrown away and got anew, once: it may
        come from another version of the file."""
        resumed = self._get(url)
        if resumed is None:
            return
        if resumed:
            os.ftruncate(self._part, 0)
            if self._get(url) is None:
                return
        found = self._digest().hexdigest()
        os.ftruncate(self._part, 0)
        self._count(0)
        raise SignatureError(
            f"{self._wanted.what} has a wrong checksum: {without_password(url)} gave "
            f"{self._wanted.checksum.kind}:{found}, expected {self._wanted.checksum}.",
            hint="The server's copy is damaged or was changed after its metadata was made.",
        )

    def _get(self, url: str) -> bool | None:
        """Get what is missing. None: all is well; otherwise whether the part was resumed."""
        start = os.fstat(self._part).st_size
        if self._wanted.size is not None and start > self._wanted.size:
            os.ftruncate(self._part, 0)
            start = 0
        digest = self._digest()
        self._count(start)
        if start != self._wanted.size:
            with self._transport.open(url, start) as body:
                if body.offset != start:
                    digest = self._wanted.checksum.hasher()
                    self._count(0)
                self._take(url, body, digest)
        if digest.hexdigest() == self._wanted.checksum.value:
            return None
        return start > 0

    def _take(self, url: str, body: Body, digest: hashlib._Hash) -> None:
        position = body.offset
        os.ftruncate(self._part, position)
        for chunk in body.chunks:
            os.pwrite(self._part, chunk, position)
            digest.update(chunk)
            position += len(chunk)
            self._count(position)
            if self._wanted.size is not None and position > self._wanted.size:
                return
        if self._wanted.size is not None and position < self._wanted.size:
            message = f"{without_password(url)} ended after {position} of "
            raise FetchError(f"{message}{self._wanted.size} bytes.", lasting=False)

    def _digest(self) -> hashlib._Hash:
        os.lseek(self._part, 0, os.SEEK_SET)
        return _hashed(self._part, self._wanted.checksum.hasher(), self._cancel)

    def _count(self, position: int) -> None:
        self._on_bytes(position - self._counted)
        self._counted = position


def _hashed(descriptor: int, digest: hashlib._Hash, cancel: CancelToken) -> hashlib._Hash:
    while chunk := os.read(descriptor, CHUNK):
        cancel.check()
        digest.update(chunk)
    return digest


@contextlib.contextmanager
def _locked(part: Path, cancel: CancelToken) -> Iterator[int]:
    """The part, opened and locked against other processes. An empty one is removed at the end."""
    descriptor = _open_locked(part, cancel)
    try:
        yield descriptor
    finally:
        if os.fstat(descriptor).st_size == 0 and _is_same(descriptor, part):
            part.unlink()
        os.close(descriptor)


def _open_locked(part: Path, cancel: CancelToken) -> int:
    while True:
        descriptor = os.open(part, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        if _try_lock(descriptor) and _is_same(descriptor, part):
            return descriptor
        os.close(descriptor)
        cancel.check()
        time.sleep(_LOCK_TURN_SECONDS)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same(descriptor: int, path: Path) -> bool:
    """Whether path is still what was opened: another process may have renamed or removed it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    opened = os.fstat(descriptor)
    return (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)
