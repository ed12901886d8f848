"""USB sticks and other places that a kickstart is saved to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.command import Commands
from engine.errors import CommandError, StorageError
from installer.probe import BlockDevice, Machine
from installer.sizes import size_text

# Those that every kernel writes and a person may have; a medium (iso9660) cannot be written
_WRITABLE = ("vfat", "exfat", "ext2", "ext3", "ext4", "xfs", "btrfs")
_WITHOUT_OWNERS = ("vfat", "exfat")
_MOST_NAMES = 100


@dataclass(frozen=True)
class Stick:
    """A file system that can be pulled out. path: of its device."""

    path: str
    filesystem: str
    title: str


def find_sticks(machine: Machine) -> tuple[Stick, ...]:
    """The file systems of disks that are removable, or on USB, as far as nothing else uses them."""
    found = []
    for disk in machine.disks:
        if disk.removable or disk.transport == "usb":
            found += [_stick(disk, part) for part in _volumes(disk)]
    return tuple(found)


def save_file(text: str, name: str) -> str:
    """Write a new file that only its owner may read; its absolute name. Raises StorageError."""
    path = Path(name).expanduser().absolute()
    _write(path, text)
    return str(path)


def save_to_stick(text: str, stick: Stick, name: str, commands: Commands) -> str:
    """Write a file into the top of a stick, named name, or with a number when there is one; where
    it is. Raises CommandError, StorageError."""
    with tempfile.TemporaryDirectory(prefix="photree-stick-") as folder:
        options = "nosuid,nodev,noexec"
        if stick.filesystem in _WITHOUT_OWNERS:
            options += ",umask=0077"
        try:
            commands.run(["mount", "--options", options, stick.path, folder])
        except CommandError as error:
            message = f"{stick.path} could not be mounted: {error.message}"
            raise CommandError(message, "Choose another one, or a file.", error.detail) from error
        try:
            path = next(path for path in _names(Path(folder, name)) if not path.exists())
            _write(path, text)
        finally:
            commands.run(["umount", folder])  # which writes all to the stick
    return f"{path.name} on {stick.title}"


def _volumes(disk: BlockDevice) -> Iterator[BlockDevice]:
    for volume in (disk, *disk.partitions):
        used = volume.mountpoints or volume.swap or volume.read_only
        if volume.filesystem in _WRITABLE and not used:
            yield volume


def _stick(disk: BlockDevice, volume: BlockDevice) -> Stick:
    words = [volume.path, disk.model, volume.label, size_text(volume.size)]
    return Stick(volume.path, volume.filesystem, ", ".join(filter(None, words)))


def _names(path: Path) -> Iterator[Path]:
    """ks.json, ks-2.json, ks-3.json ..."""
    yield path
    for number in range(2, _MOST_NAMES):
        yield path.with_stem(f"{path.stem}-{number}")
    raise StorageError(f"There are too many files {path.name}.", "Remove some of them.")


def _write(path: Path, text: str) -> None:
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise StorageError(f"{path} exists already.", "Choose another name.") from error
    except OSError as error:
        raise StorageError(
            f"{path} could not be written: {error.strerror}.", "Choose another place."
        ) from error
