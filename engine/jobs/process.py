"""The process of a job: it holds a lock on a file of the job's folder as long as it lives.

The file names the process and when it began, so that a later process with the same number is
never taken for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from pathlib import Path


def hold(path: Path) -> int:
    """Take the lock; returns its descriptor, which stays open (forked children share the lock).

    Waits for those who only look whether it is held. Raises OSError.
    """
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def sign(file: int) -> None:
    """Write down that this process is the one that holds the lock."""
    os.pwrite(file, f"{os.getpid()} {_start_time(os.getpid())}\n".encode(), 0)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock. A missing file is held by nobody. Raises PermissionError."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def holder(path: Path) -> int:
    """The number of the process that signed last, 0 for none."""
    return _read(path)[0]


def send_signal(path: Path, number: signal.Signals) -> bool:
    """Signal the process that holds the lock; False when it has ended.

    The descriptor pins the process; only then it is compared with what was written down.
    """
    pid, started = _read(path)
    if pid == 0:
        return False
    with contextlib.suppress(ProcessLookupError):
        process = os.pidfd_open(pid)
        try:
            if is_held(path) and _start_time(pid) == started:
                signal.pidfd_send_signal(process, number)
                return True
        finally:
            os.close(process)
    return False


def _read(path: Path) -> tuple[int, int]:
    with contextlib.suppress(FileNotFoundError, ValueError):
        pid, started = path.read_text().split()
        return int(pid), int(started)
    return 0, 0


def _start_time(pid: int) -> int:
    """In clock ticks since the machine started: field 22 of proc_pid_stat(5); 0 for no process."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return 0
