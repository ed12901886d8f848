"""File capabilities: from the text in an RPM header to the kernel's extended attribute."""

from __future__ import annotations

import ctypes
import struct
from functools import cache

from engine.errors import PackageError

XATTR = "security.capability"

# linux/capability.h: struct vfs_cap_data, revision 2: magic, then permitted and inheritable
# for capabilities 0-31 and 32-63
_REVISION_2 = 0x02000000
_EFFECTIVE_BIT = 1
_VFS_CAP_DATA = struct.Struct("<IIIII")
# sys/capability.h: cap_flag_t
_EFFECTIVE, _PERMITTED, _INHERITABLE = 0, 1, 2


def capability_xattr(text: str) -> bytes:
    """The value of security.capability for libcap's text form ("cap_net_raw=ep").

    Raises PackageError when libcap does not understand it.
    """
    libcap = _libcap()
    state = libcap.cap_from_text(text.encode())
    if not state:
        raise PackageError(
            f"The file capabilities {text!r} are not known to this machine's libcap.",
            "Use a newer libcap.",
        )
    try:
        effective, permitted, inheritable = (
            _flags(libcap, state, flag) for flag in (_EFFECTIVE, _PERMITTED, _INHERITABLE)
        )
    finally:
        libcap.cap_free(state)
    return _VFS_CAP_DATA.pack(
        _REVISION_2 | (_EFFECTIVE_BIT if effective else 0),
        permitted & 0xFFFFFFFF,
        inheritable & 0xFFFFFFFF,
        permitted >> 32,
        inheritable >> 32,
    )


def _flags(libcap: ctypes.CDLL, state: int, flag: int) -> int:
    """The capabilities that have flag set, as a bit mask."""
    mask = 0
    value = ctypes.c_int()
    for capability in range(64):
        if libcap.cap_get_flag(state, capability, flag, ctypes.byref(value)) != 0:
            break
        mask |= (value.value & 1) << capability
    return mask


@cache
def _libcap() -> ctypes.CDLL:
    library = ctypes.CDLL("libcap.so.2", use_errno=True)
    library.cap_from_text.argtypes = [ctypes.c_char_p]
    library.cap_from_text.restype = ctypes.c_void_p
    library.cap_get_flag.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.POINTER(ctypes.c_int),
    ]
    library.cap_free.argtypes = [ctypes.c_void_p]
    return library
