"""Public SSH keys: what can be shown of one, and where they come from."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.cancel import CancelToken
from engine.errors import NetworkError
from installer.rules import KEY_TYPES, public_key, public_key_lines

MAX_BYTES = 256 * 1024
_SECONDS = 10.0


@dataclass(frozen=True)
class KeyFacts:
    """type: such as ssh-ed25519. fingerprint: as `ssh-keygen -l` shows it, SHA256:..."""

    type: str
    comment: str
    fingerprint: str


def key_facts(line: str) -> KeyFacts | None:
    """The facts of an authorized_keys line; None when it has no whole key."""
    if public_key(line):
        return None
    words = line.split()
    at = next(index for index, word in enumerate(words) if word in KEY_TYPES)
    digest = hashlib.sha256(base64.b64decode(words[at + 1])).digest()
    shown = base64.b64encode(digest).decode().rstrip("=")
    return KeyFacts(words[at], " ".join(words[at + 2 :]), f"SHA256:{shown}")


def is_address(text: str) -> bool:
    """Whether keys are to be fetched from it, instead of being one."""
    return urlsplit(text).scheme in ("http", "https") and " " not in text


def fetch_keys(url: str, cancel: CancelToken) -> tuple[str, ...]:
    """The keys that url serves, a line each. Raises NetworkError, Cancelled."""
    from engine.packages.repofiles import RepositoryConfig  # noqa: PLC0415
    from engine.packages.transport import Patience, Transport  # noqa: PLC0415 - requests

    _check_secure(url, "Keys are not fetched over http://")
    patience = Patience(attempts=1, connect=_SECONDS, read=_SECONDS)
    data = b""
    with (
        Transport(RepositoryConfig("keys", ()), cancel, patience=patience) as transport,
        transport.open(url) as body,
    ):
        for address in body.addresses:
            _check_secure(address, f"{url} leads to http://")
        for chunk in body.chunks:
            data += chunk
            if len(data) > MAX_BYTES:
                raise NetworkError(f"{url} is larger than {MAX_BYTES // 1024} KiB: no keys.")
    return _keys_in(data.decode("utf-8", "replace"), url)


def _check_secure(url: str, message: str) -> None:
    if urlsplit(url).scheme != "https":
        reason = "anybody on the way could put a key of their own there"
        raise NetworkError(f"{message}: {reason}.", "Use https://, or paste the key.")


def _keys_in(text: str, url: str) -> tuple[str, ...]:
    lines = public_key_lines(text)
    if not lines:
        raise NetworkError(f"There is no key at {url}: it is empty.", "Is the address right?")
    if text.lstrip().startswith("<"):
        raise NetworkError(
            f"{url} is a web page, not keys.", "Give the address of the text itself."
        )
    broken = public_key(text)
    if broken:
        raise NetworkError(f"What is at {url} {broken.message}.", broken.hint)
    return lines
