"""Boot counting: GRUB's menu goes back by itself from a deployment that never gets to its checks.

The state is two variables of GRUB's environment block: `photree_trial`, the deployment on trial,
and `photree_tries`, how often the menu may still start its first entry. The menu counts that down
before it starts anything (engine/units/boot-counter.cfg) and, once it is used up, starts the second
entry and says "fallback".

Which block that is depends on how GRUB was started: one from the BIOS boot sectors looks into the
folder it was installed from, one from the EFI partition into the one its configuration names. So
all of them are written, and the one that GRUB counted down furthest tells how things are.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.command import Commands
from engine.errors import PhotreeError, StorageError
from engine.namespace import ensure_private_mounts
from engine.state_file import sync_folder

TRIES, TRIAL = "photree_tries", "photree_trial"
FALLBACK = "fallback"
_FOLDERS = ("grub2", "grub")  # Photon and Fedora, Debian
_EDITORS = ("grub2-editenv", "grub-editenv")
# GRUB writes only where a file's blocks stay in their place, and have no checksums
_WRITABLE = frozenset({"ext2", "ext3", "ext4", "xfs", "vfat"})
_MOUNT = re.compile(r"\S+ \S+ (?P<device>\d+:\d+) \S+ (?P<point>\S+) .*? - (?P<type>\S+) ")


@dataclass(frozen=True)
class Trial:
    """deployment: its id. tries: that are left. fell_back: the menu took the second entry."""

    deployment: str = ""
    tries: int | None = None
    fell_back: bool = False

    @property
    def armed(self) -> bool:
        return self.tries is not None or self.fell_back


class BootCounter:
    """The counter of the machine whose /boot is given. Raises PhotreeError."""

    def __init__(
        self,
        boot: Path,
        commands: Commands,
        *,
        editors: Sequence[str] = _EDITORS,
        mounts: Path = Path("/proc/self/mountinfo"),
    ) -> None:
        self._boot = boot
        self._commands = commands
        self._editors = editors
        self._mounts = mounts

    def read(self) -> Trial:
        """What the blocks say; nothing on a machine without one."""
        blocks = [folder / "grubenv" for folder in self._folders()]
        trials = [_trial(self._values(block)) for block in blocks if block.is_file()]
        return min(trials, key=_left, default=Trial())

    def obstacle(self) -> str:
        """Why the menu of this machine could not count, "" when it can."""
        folders = self._folders()
        if not folders:
            return f"there is no GRUB in {self._boot}"
        return next(filter(None, map(self._obstacle_in, folders)), "")

    def _obstacle_in(self, folder: Path) -> str:
        if TRIES not in _text(folder / "grub.cfg"):
            return "GRUB's menu was made without boot counting"
        device, kind = _mount_of(folder, self._mounts.read_text())
        if kind not in _WRITABLE:
            return f"GRUB cannot write to {kind}, where {folder} is"
        block = Path("/sys/dev/block") / device
        if (block / "dm").exists() or (block / "md").exists():
            return f"{folder} is on LVM or RAID, where GRUB cannot write"
        return ""

    def arm(self, deployment: str, tries: int) -> None:
        """Let the menu start its first entry so many times, then the second one."""
        self._write("set", f"{TRIES}={tries}", f"{TRIAL}={deployment}")

    def clear(self) -> None:
        """The menu starts its first entry, always."""
        if self.read() != Trial():
            self._write("unset", TRIES, TRIAL)

    def _folders(self) -> tuple[Path, ...]:
        """Each once, where one is a link to another."""
        found = (self._boot / name for name in _FOLDERS)
        return tuple({each.resolve(): None for each in found if (each / "grub.cfg").exists()})

    def _values(self, block: Path) -> dict[str, str]:
        output = self._commands.run([self._editor(), str(block), "list"], quiet=True)
        pairs = (line.partition("=") for line in output.stdout.splitlines())
        return {name: value for name, _equals, value in pairs}

    def _write(self, *words: str) -> None:
        folders = self._folders()
        if not folders:
            raise StorageError(f"There is no GRUB in {self._boot}, so no boots can be counted.")
        self._make_writable(folders[0])
        for folder in folders:
            self._edit((folder / "grubenv").resolve(), words)

    def _edit(self, block: Path, words: Sequence[str]) -> None:
        """grub-editenv empties the block before it writes it, so that works on a copy."""
        new = block.with_name("grubenv.photree")
        try:
            if block.is_file() and block.stat().st_size:
                shutil.copyfile(block, new)
            else:
                self._commands.run([self._editor(), str(new), "create"])
            self._commands.run([self._editor(), str(new), *words])
            handle = os.open(new, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            new.replace(block)
            sync_folder(block.parent)
        except OSError as error:
            raise StorageError(f"Could not write {block}: {error.strerror}.") from error
        finally:
            new.unlink(missing_ok=True)

    def _make_writable(self, folder: Path) -> None:
        """In a mount namespace of our own, as libostree does it."""
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            ensure_private_mounts()
            self._commands.run(["mount", "-o", "remount,rw", str(self._boot)])

    def _editor(self) -> str:
        found = next((name for name in self._editors if shutil.which(name)), None)
        if found is None:
            raise PhotreeError(
                "GRUB's environment block cannot be edited without grub-editenv.",
                "Add the package of GRUB's programs to the tree.",
            )
        return found


def _trial(values: Mapping[str, str]) -> Trial:
    tries = values.get(TRIES, "")
    number = int(tries) if tries.isascii() and tries.isdigit() else None
    return Trial(values.get(TRIAL, ""), number, tries == FALLBACK)


def _left(trial: Trial) -> float:
    """How many starts are left; most without a trial."""
    if trial.fell_back:
        return -1
    return math.inf if trial.tries is None else trial.tries


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _mount_of(path: Path, mountinfo: str) -> tuple[str, str]:
    """(device as major:minor, type) of the file system that has the path (see proc(5))."""
    best, found = -1, ("", "an unknown file system")
    for mount in _MOUNT.finditer(mountinfo):
        point = Path(mount["point"].replace("\\040", " "))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), (mount["device"], mount["type"])
    return found
