"""A mount namespace of our own: what we mount, or remount writable, ends with the process."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

from engine.errors import OstreeError

_CLONE_NEWNS = 0x00020000
_MS_REC = 0x4000
_MS_SLAVE = 0x80000


def enter_private_mounts() -> None:
    """Leave the mount namespace of the machine; mounts made from now on are seen by this process
    and its children only, and vanish with the last of them even when it is killed.

    Unmounts on the machine still reach us, so that we keep no disk busy. Call it from the main
    thread before other threads start: a thread that runs already stays where it is.
    Raises OstreeError when not permitted (needs CAP_SYS_ADMIN).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(_CLONE_NEWNS), "leave the machine's mount namespace")
    _check(
        libc.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None),
        "keep mounts from propagating to the machine",
    )


def enter_propagating_mounts() -> None:
    """A mount namespace of our own, in which what is mounted appears on the machine as well; what
    is made writable by remounting is so for us alone.

    For what must be seen by everybody, such as a layer over /usr. Raises OstreeError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(_CLONE_NEWNS), "leave the machine's mount namespace")


def ensure_private_mounts() -> None:
    """`enter_private_mounts`, unless this thread left the namespace of the first process before.

    Where that cannot be told (some containers hide it) a further namespace does no harm.
    """
    with contextlib.suppress(PermissionError):
        ours, first = (Path(f"/proc/{who}/ns/mnt").readlink() for who in ("thread-self", "1"))
        if ours != first:
            return
    enter_private_mounts()


def _check(result: int, what: str) -> None:
    if result != 0:
        reason = os.strerror(ctypes.get_errno())
        raise OstreeError(f"Could not {what}: {reason}.", "Run it as root.")
