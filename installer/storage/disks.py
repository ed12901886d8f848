"""The door to disks: images on loop devices, and partition tables by libparted."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import StorageError
from installer.plan import TableType
from installer.storage import loop
from installer.storage.geometry import Span, node
from installer.storage.lvm import ROLE

_NODES_SECONDS = 30.0
_TURN_SECONDS = 0.02
_SYSFS_SECTOR = 512  # sysfs counts in these whatever the disk's sector size is

# libparted's flags (parted/disk.in.h). pyparted 3.12 has no name for ESP, so they are all here.
_FLAG_BOOT = 1  # msdos: the active partition
_FLAG_SWAP = 3
_FLAG_LVM = 6
_FLAG_BIOS_GRUB = 12
_FLAG_ESP = 18

_PARTED_NAMES = {"vfat": "fat32", "swap": "linux-swap(v1)"}
_LONGEST_GPT_NAME = 36


class SystemDisks:
    """Works on real disks and image files. Everything attached is detached by `detach`."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._attached: dict[Path, loop.LoopDevice] = {}

    def attach(self, image: Path, size: int, sector_size: int) -> str:
        """Make a sparse image of size bytes, attach it, return its device.

        The image is IMAGE.part until `publish`, so an existing image stays whole until then.
        Raises StorageError when it cannot be made or another installation is writing it.
        """
        try:
            image.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(
                unfinished(image), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        except OSError as error:
            raise StorageError(f"Could not make the image {image}: {error.strerror}.") from error
        try:
            self._take(image, descriptor)
            os.ftruncate(descriptor, 0)
            os.ftruncate(descriptor, size)
            device = loop.attach(descriptor, str(unfinished(image)), sector_size)
        except OSError as error:
            raise StorageError(f"Could not make the image {image}: {error.strerror}.") from error
        finally:
            os.close(descriptor)
        self._attached[image] = device
        return device.path

    def detach(self, image: Path) -> None:
        """Detach the image and remove it unless it was published. Nothing to do is no error."""
        device = self._attached.pop(image, None)
        if device is not None:
            try:
                device.detach()
            finally:
                unfinished(image).unlink(missing_ok=True)

    def publish(self, image: Path) -> None:
        """Give the finished image its name; what had that name before is gone.

        Contents have to be on the disk already. Raises StorageError.
        """
        try:
            unfinished(image).rename(image)
            folder = os.open(image.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StorageError(f"Could not name the image {image}: {error.strerror}.") from error

    def write_table(self, device: str, table: TableType, spans: Sequence[Span]) -> None:
        """Write a new partition table; the kernel is not told of it. Raises StorageError."""
        import _ped  # noqa: PLC0415 - dry runs and checks do without libparted
        import parted  # noqa: PLC0415

        try:
            native = parted.getDevice(device)
            # Or libparted would remember it by its name, when a loop device has another image.
            native.removeFromCache()
            disk = parted.freshDisk(native, table.value)
            for span in spans:
                _add(parted, native, disk, table, span)
            disk.commitToDevice()
        except (_ped.IOException, _ped.DiskException, _ped.PartitionException) as error:
            raise StorageError(
                f"Could not partition {device}: {error}.", detail=str(error)
            ) from error

    def await_nodes(self, device: str, spans: Sequence[Span], sector_size: int) -> None:
        """Return when the kernel has every partition, at its new place, and its node exists.

        Raises StorageError after 30 s, and Cancelled.
        """
        end = time.monotonic() + _NODES_SECONDS
        for span in spans:
            path = node(device, span.number)
            while not _is_there(path, span, sector_size):
                self._cancel.check()
                if time.monotonic() > end:
                    raise StorageError(
                        f"The kernel does not show {path} {_NODES_SECONDS:.0f} s after {device} "
                        "was partitioned.",
                        hint="Something may still use the disk; restart the machine and try again.",
                    )
                time.sleep(_TURN_SECONDS)

    def _take(self, image: Path, descriptor: int) -> None:
        """Refuse an image that somebody else writes."""
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StorageError(f"{unfinished(image)} is not a regular file.")
        users = [
            f"/dev/{path.name}"
            for path in sorted(Path("/sys/block").glob("loop*"))
            if loop.backing_file(path.name) == unfinished(image).absolute()
        ]
        if users:
            raise StorageError(
                f"The image {image} is being written already: it is attached to {users[0]}.",
                hint="Wait for the other installation, or choose another file.",
            )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StorageError(f"The image {image} is being written already.") from error


def unfinished(image: Path) -> Path:
    """The name of an image that is still being made."""
    return image.with_name(image.name + ".part")


def _add(parted, native, disk, table: TableType, span: Span) -> None:  # type: ignore[no-untyped-def]
    geometry = parted.Geometry(native, start=span.start, length=span.length)
    part = span.partition
    filesystem = None
    if part.filesystem:
        name = _PARTED_NAMES.get(part.filesystem, part.filesystem)
        filesystem = parted.FileSystem(name, geometry)
    entry = parted.Partition(disk, parted.PARTITION_NORMAL, fs=filesystem, geometry=geometry)
    disk.addPartition(entry, constraint=parted.Constraint(exactGeom=geometry))
    for flag in _flags(part.role, table):
        entry.getPedPartition().set_flag(flag, 1)
    if table is TableType.GPT:
        entry.getPedPartition().set_name((part.partlabel or part.role)[:_LONGEST_GPT_NAME])


def _flags(role: str, table: TableType) -> tuple[int, ...]:
    """On msdos some firmware boots only a disk that has an active partition."""
    gpt = table is TableType.GPT
    flags = {
        "bios": (_FLAG_BIOS_GRUB,) if gpt else (),
        "efi": (_FLAG_ESP,),
        "swap": (_FLAG_SWAP,),
        ROLE: (_FLAG_LVM,),
        "boot": () if gpt else (_FLAG_BOOT,),
    }
    return flags.get(role, ())


def _is_there(path: str, span: Span, sector_size: int) -> bool:
    folder = Path("/sys/class/block") / Path(path).name
    unit = sector_size // _SYSFS_SECTOR
    try:
        start, size = (int((folder / name).read_text()) for name in ("start", "size"))
    except (OSError, ValueError):
        return False
    right = start == span.start * unit and size == span.length * unit
    return right and Path(path).is_block_device()
