"""Which files of a file system a program opens: a wrapper around it, as a program of its own.

    python -m engine.opened MOUNT_POINT LIST -- PROGRAM ARGUMENTS...

Runs PROGRAM and ends with its exit code. LIST gets the absolute paths of the files and directories
that anything opened on the file system mounted at MOUNT_POINT, as the opener
saw them; it is not written when the kernel cannot tell (no fanotify(7), or events were lost).
Programs that are executed and libraries that are loaded count as opened.

The kernel asks before each opening, and waits for the answer: while it does, the opener and its
mounts exist. A path that is looked up later is wrong once they are gone.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

# sys/fanotify.h
_CLOEXEC, _NONBLOCK, _CLASS_CONTENT, _UNLIMITED_QUEUE = 0x1, 0x2, 0x4, 0x10
_MARK_ADD, _MARK_FILESYSTEM = 0x1, 0x100
_OVERFLOW, _OPEN_PERMISSION, _ON_DIRECTORY = 0x4000, 0x10000, 0x40000000
_ALLOW = 1
_ANSWER = struct.Struct("=iI")  # fd, response
_EVENT = struct.Struct("=IBBHQii")  # length, version, reserved, metadata length, mask, fd, pid
_AT_FDCWD = -100
_BUFFER = 1 << 16


def main(arguments: Sequence[str]) -> int:
    """See the module's description; arguments without the program's name."""
    mount_point, listing, _dashes, *program = arguments
    watch = _watch(mount_point)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the program gets it too; this ends after it
    process = os.posix_spawnp(program[0], program, os.environ, setsigdef=[signal.SIGTERM])
    opened: set[str] | None = set()
    if watch is not None:
        opened = _collect(watch, process)
    _pid, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if watch is not None and opened is not None:
        Path(listing).write_text("".join(f"{path}\n" for path in sorted(opened)))
    return code if code >= 0 else 128 - code


def _watch(mount_point: str) -> int | None:
    """A fanotify descriptor that reports every open, or None when the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.fanotify_init(
        _CLOEXEC | _NONBLOCK | _CLASS_CONTENT | _UNLIMITED_QUEUE,
        os.O_RDONLY | os.O_CLOEXEC | os.O_LARGEFILE,
    )
    if descriptor < 0:
        return None
    marked = libc.fanotify_mark(
        descriptor,
        _MARK_ADD | _MARK_FILESYSTEM,
        ctypes.c_uint64(_OPEN_PERMISSION | _ON_DIRECTORY),
        _AT_FDCWD,
        os.fsencode(mount_point),
    )
    if marked != 0:
        os.close(descriptor)
        return None
    return int(descriptor)


def _collect(watch: int, process: int) -> set[str] | None:
    """What is opened until the process ends; None when events were lost."""
    opened: set[str] = set()
    complete = True
    ended = os.pidfd_open(process)
    while True:
        ready, _, _ = select.select([watch, ended], [], [])
        try:
            data = os.read(watch, _BUFFER)
        except BlockingIOError:
            if ended in ready:
                break
            continue
        complete = _note(watch, data, opened) and complete
    os.close(ended)
    return opened if complete else None


def _note(watch: int, data: bytes, opened: set[str]) -> bool:
    """Add the events in data and let them go on; False when one says that others were lost."""
    complete = True
    offset = 0
    while offset < len(data):
        length, _version, _reserved, _size, mask, descriptor, _pid = _EVENT.unpack_from(
            data, offset
        )
        offset += length
        if mask & _OVERFLOW or descriptor < 0:
            complete = False
            continue
        path = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - one call for each event
        os.write(watch, _ANSWER.pack(descriptor, _ALLOW))
        os.close(descriptor)
        opened.add(path)
    return complete


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
