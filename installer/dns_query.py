"""One question to one name server. Format: RFC 1035, section 4.

The system's resolver cannot tell which of its servers answered, nor ask one it does not use.
"""

from __future__ import annotations

import ipaddress
import secrets
import select
import socket
import struct
import time

from engine.cancel import CancelToken
from engine.errors import NetworkError

PORT = 53
ATTEMPTS = 2
SECONDS = 2.0  # for each attempt
_TURN_SECONDS = 0.2
_HEADER = struct.Struct(">HHHHHH")
_RECURSE = 0x0100
_RESPONSE = 0x8000
_ADDRESS, _INTERNET = 1, 1
_NO_SUCH_NAME = 3
_REFUSALS = {
    1: "it does not understand the question",
    2: "it fails to find out (SERVFAIL)",
    4: "it does not answer such questions",
    5: "it refuses to answer this machine",
}


def knows_name(server: str, name: str, cancel: CancelToken, port: int = PORT) -> bool:
    """Whether a server knows a name. Raises NetworkError when it does not answer, or refuses."""
    number = secrets.randbelow(0x10000)
    family = socket.AF_INET6 if ipaddress.ip_address(server).version == 6 else socket.AF_INET
    try:
        question = query(number, name)
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            channel.connect((server, port))
            for _attempt in range(ATTEMPTS):
                channel.send(question)
                code = _await(channel, number, cancel)
                if code is not None:
                    return _is_known(server, code)
    except OSError as error:
        raise NetworkError(f"{server} cannot be asked: {error.strerror}.") from error
    raise NetworkError(f"{server} did not answer within {ATTEMPTS * SECONDS:.0f} s.")


def query(number: int, name: str) -> bytes:
    """A question for a name's IPv4 addresses. Raises NetworkError for what is no name."""
    try:
        labels = [label.encode("idna") for label in name.removesuffix(".").split(".")]
    except UnicodeError:
        labels = []
    if not all(labels) or not labels:
        raise NetworkError(f"{name} is no name that can be asked for.")
    words = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    header = _HEADER.pack(number, _RECURSE, 1, 0, 0, 0)
    return header + words + struct.pack(">HH", _ADDRESS, _INTERNET)


def response_code(data: bytes, number: int) -> int | None:
    """The code of the answer to question number; None for what is no answer to it."""
    if len(data) < _HEADER.size:
        return None
    found, flags, *_counts = _HEADER.unpack_from(data)
    return flags & 0x000F if found == number and flags & _RESPONSE else None


def _await(channel: socket.socket, number: int, cancel: CancelToken) -> int | None:
    end = time.monotonic() + SECONDS
    while (left := end - time.monotonic()) > 0:
        cancel.check()
        ready, _, _ = select.select([channel], [], [], min(left, _TURN_SECONDS))
        code = response_code(channel.recv(65535), number) if ready else None
        if code is not None:
            return code
    return None


def _is_known(server: str, code: int) -> bool:
    if code in (0, _NO_SUCH_NAME):
        return code == 0
    reason = _REFUSALS.get(code, f"it answers with error {code}")
    raise NetworkError(f"{server} is no help: {reason}.")
