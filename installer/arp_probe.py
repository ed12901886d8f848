"""Whether a machine on an interface's wire has an IPv4 address. Format: RFC 826; RFC 5227, 2.1.1.

A probe says nothing about its sender: no address is needed for it, and nobody's tables change.
(`arping` would do, but two programs of that name have opposite exit codes.)
"""

from __future__ import annotations

import select
import socket
import struct
import time

from engine.cancel import CancelToken

ATTEMPTS = 3
SECONDS = 0.7  # for each attempt
_TURN_SECONDS = 0.2
_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_TYPE = 0x0806
_REQUEST = 1
_EVERYBODY = b"\xff" * 6


def somebody_has(address: str, link: str, cancel: CancelToken) -> bool | None:
    """None where it cannot be told: without root, or when the interface is down."""
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_TYPE)) as channel:
            channel.bind((link, _TYPE))
            own = bytes(channel.getsockname()[4])
            for _attempt in range(ATTEMPTS):
                channel.send(probe(own, address))
                if _is_answered(channel, own, address, cancel):
                    return True
    except OSError:
        return None
    return False


def probe(own: bytes, address: str) -> bytes:
    """own: the hardware address of the sender."""
    wanted = socket.inet_aton(address)
    body = _ARP.pack(1, 0x0800, 6, 4, _REQUEST, own, bytes(4), bytes(6), wanted)
    return _ETHERNET.pack(_EVERYBODY, own, _TYPE) + body


def is_owner(frame: bytes, own: bytes, address: str) -> bool:
    """Whether a frame comes from another machine that has the address."""
    if len(frame) < _ETHERNET.size + _ARP.size:
        return False
    _to, _from, kind = _ETHERNET.unpack_from(frame)
    fields = _ARP.unpack_from(frame, _ETHERNET.size)
    sender, has = bytes(fields[5]), bytes(fields[6])
    return int(kind) == _TYPE and has == socket.inet_aton(address) and sender != own


def _is_answered(channel: socket.socket, own: bytes, address: str, cancel: CancelToken) -> bool:
    end = time.monotonic() + SECONDS
    while (left := end - time.monotonic()) > 0:
        cancel.check()
        ready, _, _ = select.select([channel], [], [], min(left, _TURN_SECONDS))
        if ready and is_owner(channel.recv(2048), own, address):
            return True
    return False
