"""Disk images as block devices.

The loop device is configured by one ioctl with its autoclear flag set, while we hold it open: the
kernel detaches it when the last user (we, or a mount of one of its partitions) is gone, even after
SIGKILL. `losetup` cannot do that. Source: linux/loop.h, loop(4).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StorageError

_LOOP_CTL_GET_FREE = 0x4C82
_LOOP_CLR_FD = 0x4C01
_LOOP_CONFIGURE = 0x4C0A  # Linux 5.8
_LO_FLAGS_AUTOCLEAR = 4
_LO_FLAGS_PARTSCAN = 8  # also makes the kernel drop the partitions' nodes when it is detached
_ATTEMPTS = 32
_TAKEN = (errno.EBUSY, errno.ENXIO)  # by another process, since it was said to be free


@dataclass(frozen=True)
class LoopDevice:
    """An attached image; it stays attached until `detach`, or until this process ends."""

    path: str
    descriptor: int

    def detach(self) -> None:
        """Give the device back. A partition that is still mounted keeps it until unmounted."""
        try:
            fcntl.ioctl(self.descriptor, _LOOP_CLR_FD)
        except OSError as error:
            if error.errno not in (errno.ENXIO, errno.EBUSY):
                raise StorageError(f"Could not detach {self.path}: {error.strerror}.") from error
        finally:
            os.close(self.descriptor)


def attach(image: int, name: str, sector_size: int) -> LoopDevice:
    """Attach an open file to a free loop device.

    image: descriptor of the image, opened for reading and writing; may be closed afterwards.
    name: shown by losetup. sector_size: 512 … 4096. Raises StorageError.
    """
    try:
        return _attach(image, name, sector_size)
    except OSError as error:
        raise StorageError(
            f"Could not attach {name} to a loop device: {error.strerror}.",
            hint="Images need root and the kernel module `loop` (modprobe loop).",
        ) from error


def _attach(image: int, name: str, sector_size: int) -> LoopDevice:
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        for _attempt in range(_ATTEMPTS):
            path = f"/dev/loop{fcntl.ioctl(control, _LOOP_CTL_GET_FREE)}"
            try:
                return LoopDevice(path, _configured(path, _configuration(image, name, sector_size)))
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise
    finally:
        os.close(control)
    raise OSError(errno.EBUSY, "every free device was taken by others")


def _configured(path: str, configuration: bytes) -> int:
    """The descriptor of the loop device, open and attached."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _LOOP_CONFIGURE, configuration)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _configuration(image: int, name: str, sector_size: int) -> bytes:
    """struct loop_config: fd, block_size, struct loop_info64, eight reserved 64-bit words."""
    flags = _LO_FLAGS_AUTOCLEAR | _LO_FLAGS_PARTSCAN
    info = struct.pack(
        "=5Q4I64s64s32s2Q", *(0,) * 5, 0, 0, 0, flags, os.fsencode(name)[-63:], b"", b"", 0, 0
    )
    return struct.pack("=II", image, sector_size) + info + bytes(64)


def backing_file(path: str) -> Path | None:
    """The file behind a loop device, None when it is free."""
    try:
        return Path(Path(f"/sys/block/{Path(path).name}/loop/backing_file").read_text().strip())
    except OSError:
        return None
