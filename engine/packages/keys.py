"""OpenPGP public keys of package repositories."""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.command import Commands
from engine.errors import CommandError, SignatureError
from engine.packages.model import without_password
from engine.packages.repofiles import RepositoryConfig

_ARMOUR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n(.*?)-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL,
)
_PUBLIC_KEY = 6  # packet tags of RFC 4880, section 4.3


@dataclass(frozen=True)
class Keyring:
    """The keys that one repository's packages may be signed with.

    certificates: each one binary OpenPGP public key with its user ids and subkeys.
    """

    certificates: tuple[bytes, ...]


def load_keys(config: RepositoryConfig, read: Callable[[str], bytes]) -> Keyring:
    """The keys that the repository's gpgkey names. read: the content of a URL.

    Raises SignatureError when one holds no key, and what read raises.
    """
    certificates: list[bytes] = []
    for url in config.gpgkeys:
        try:
            found = list(split_certificates(dearmoured(read(url))))
        except ValueError as error:
            raise SignatureError(
                f"{without_password(url)}, the gpgkey of the repository {config.id}, "
                f"is no OpenPGP public key: {error}.",
                hint=f"Correct gpgkey= in {config.where or 'the .repo file'}.",
            ) from None
        certificates += found
    return Keyring(tuple(dict.fromkeys(certificates)))


def dearmoured(content: bytes) -> bytes:
    """The packets of all armoured blocks in content, or content when it is binary already.

    Raises ValueError.
    """
    if b"-----BEGIN PGP" not in content:
        return content
    packets = b""
    for block in _ARMOUR.findall(content):
        # "Version: ..." and the like, an empty line, base64, a checksum that begins with "="
        lines = [line.strip() for line in block.splitlines()]
        body = lines[lines.index(b"") + 1 :] if b"" in lines else lines
        data = b"".join(line for line in body if not line.startswith(b"="))
        try:
            packets += base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise ValueError("the armour is damaged") from error
    if not packets:
        raise ValueError("it has no block of a public key")
    return packets


def split_certificates(packets: bytes) -> Iterator[bytes]:
    """The certificates in a row of packets; each begins with a public key packet.

    Raises ValueError for anything else.
    """
    starts = [offset for tag, offset in _packets(packets) if tag == _PUBLIC_KEY]
    if not starts or starts[0] != 0:
        raise ValueError("it does not begin with a public key")
    for start, end in zip(starts, [*starts[1:], len(packets)], strict=True):
        yield packets[start:end]


def verify_detached(
    data: bytes, signature: bytes, keyring: Keyring, what: str, commands: Commands
) -> None:
    """Check a detached signature with gpgv. what: how the error calls the data.

    Raises SignatureError, Cancelled.
    """
    with tempfile.TemporaryDirectory(prefix="photree-keys-") as name:
        folder = Path(name)
        (folder / "keys.gpg").write_bytes(b"".join(keyring.certificates))
        (folder / "data").write_bytes(data)
        (folder / "data.asc").write_bytes(signature)
        argv = ["gpgv", "--homedir", str(folder), "--keyring", str(folder / "keys.gpg")]
        try:
            commands.run([*argv, str(folder / "data.asc"), str(folder / "data")])
        except CommandError as error:
            unknown = "No public key" in error.detail
            why = "is by an unknown key" if unknown else "does not match"
            raise SignatureError(
                f"The signature of {what} {why}.",
                hint="Check gpgkey=." if unknown else "It may have been changed on its way.",
                detail=error.detail,
            ) from error


def _packets(data: bytes) -> Iterator[tuple[int, int]]:
    """(tag, offset) of every packet; RFC 4880, section 4.2."""
    offset = 0
    while offset < len(data):
        start, first = offset, data[offset]
        if not first & 0x80:
            raise ValueError("it is neither armoured text nor OpenPGP packets")
        new_format = bool(first & 0x40)
        tag = first & 0x3F if new_format else (first >> 2) & 0x0F
        try:
            offset = _packet_end(data, offset, new_format)
        except IndexError:
            raise ValueError("it ends in the middle of a packet") from None
        if offset > len(data):
            raise ValueError("it ends in the middle of a packet")
        yield tag, start


def _packet_end(data: bytes, offset: int, new_format: bool) -> int:
    first = data[offset + 1]
    if not new_format:
        size = 1 << (data[offset] & 3)
        if size == 8:
            raise ValueError("it has a packet of unknown length")
        return offset + 1 + size + _number(data, offset + 1, size)
    if first < 192:
        return offset + 2 + first
    if first < 224:
        return offset + 3 + ((first - 192) << 8) + data[offset + 2] + 192
    if first == 255:
        return offset + 6 + _number(data, offset + 2, 4)
    raise ValueError("it has a packet of unknown length")


def _number(data: bytes, offset: int, size: int) -> int:
    if offset + size > len(data):
        raise IndexError
    return int.from_bytes(data[offset : offset + size], "big")
