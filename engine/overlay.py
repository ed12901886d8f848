"""A writable tree on top of one that must not be touched, read and changed without mounting.

The lower directory's files are hardlinks into a repository: a write would damage its objects. All
changes are in the upper directory, in the kernel's overlay format (Documentation/filesystems/
overlayfs.rst: a character device 0:0 hides the name below it, trusted.overlay.opaque="y" hides a
directory's former content), so that programs can run on the mounted whole (`engine.sandbox`)
between two changes from here. Never use the methods while it is mounted.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

OPAQUE = "trusted.overlay.opaque"
_CAPABILITY = "security.capability"


class OverlayTree:
    """upper, work: directories of one file system; paths are relative to the tree's root.

    What is written belongs to root and has exactly the mode given, whatever the umask.
    """

    def __init__(self, lower: Path, upper: Path, work: Path, *, below: Sequence[Path] = ()) -> None:
        """below: directories under the lower one, which has marks for what it hides of them."""
        self.lower = lower
        self.upper = upper
        self.work = work
        self._lowers = (lower, *below)

    @property
    def mount_options(self) -> str:
        """For mount -t overlay: nothing that would make the upper depend on the lower."""
        return (
            f"lowerdir={':'.join(map(str, self._lowers))},"
            f"upperdir={self.upper},workdir={self.work},"
            "redirect_dir=off,metacopy=off,index=off,xino=off"
        )

    def find(self, path: str) -> Path | None:
        """The real file or directory (of a directory: the uppermost) at path; None for none."""
        return _topmost((self.upper, *self._lowers), path)

    def find_below(self, path: str) -> Path | None:
        """The same, were nothing in the upper directory."""
        return _topmost(self._lowers, path)

    def exists(self, path: str) -> bool:
        """Whether there is anything at path, a dangling link included."""
        return self.find(path) is not None

    def is_directory(self, path: str) -> bool:
        """Whether a directory itself, not a link to one, is at path."""
        found = self.find(path)
        return found is not None and found.is_dir() and not found.is_symlink()

    def read(self, path: str) -> str | None:
        """The text of a file; None when there is none."""
        found = self.find(path)
        return found.read_text() if found is not None and found.is_file() else None

    def names(self, path: str) -> list[str]:
        """The names in a directory, sorted; none when it does not exist."""
        if not self.is_directory(path):
            return []
        found: set[str] = set()
        for layer in (self.upper, *self._lowers):
            place, hides = _look(layer, path)
            if place is not None:
                found.update(_names(place))
            if hides:
                break
        return sorted(name for name in found if self.exists(f"{path}/{name}" if path else name))

    def walk(self, path: str) -> Iterator[str]:
        """Every path below a directory, parents first, sorted."""
        for name in self.names(path):
            below = f"{path}/{name}" if path else name
            yield below
            yield from self.walk(below)

    def write(self, path: str, data: str | bytes, mode: int = 0o644) -> None:
        """Make or replace a file."""
        target = self._place(path)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        os.chown(target, 0, 0)
        target.chmod(mode)

    def take(self, source: Path, path: str, mode: int) -> None:
        """Like `write`, with a file that goes: it is on the same file system."""
        target = self._place(path)
        source.rename(target)
        os.chown(target, 0, 0)
        target.chmod(mode)

    def rewrite(self, path: str, data: str) -> None:
        """Replace a file's text; owner and mode stay. Makes it (0644, root) when missing."""
        found = self.find(path)
        if found is None:
            self.write(path, data)
            return
        status = found.lstat()
        self.write(path, data, stat.S_IMODE(status.st_mode))
        os.chown(self.upper / path, status.st_uid, status.st_gid)
        (self.upper / path).chmod(stat.S_IMODE(status.st_mode))

    def symlink(self, path: str, target: str) -> None:
        """Make or replace a symbolic link."""
        self._place(path).symlink_to(target)

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        """Make a directory where none is; parents too. Its mode is set in any case."""
        if not self.is_directory(path):
            below = self.exists(path) or self._covers_lower(path)
            target = self._place(path)
            target.mkdir()
            if below:
                os.setxattr(target, OPAQUE, b"y")
        self._raise_directory(path)
        (self.upper / path).chmod(mode)

    def remove(self, path: str) -> None:
        """Remove a file or a whole directory; nothing happens when there is none."""
        if not self.exists(path):
            return
        self._raise_parents(path)
        target = self.upper / path
        _delete(target)
        if self._covers_lower(path):
            hide(target)

    def revert(self, path: str) -> None:
        """Let what is below show again, whatever became of it since."""
        _delete(self.upper / path)

    def move(self, source: str, target: str) -> None:
        """Move a file or a symbolic link; owner, mode and capabilities stay.

        Raises FileNotFoundError when there is no source.
        """
        found = self.find(source)
        if found is None:
            raise FileNotFoundError(source)
        place = self._place(target)
        if found.is_relative_to(self.upper):
            found.rename(place)
        else:
            copy_file(found, place)
        self.remove(source)

    def own(self, path: str, uid: int, gid: int, mode: int, capability: bytes | None) -> None:
        """Set owner, then permission bits and capabilities, which a change of owner clears."""
        found = self.find(path)
        if found is None:
            return
        target = self.upper / path
        if found.is_dir() and not found.is_symlink():
            self._raise_directory(path)
        elif not found.is_relative_to(self.upper):
            self._raise_parents(path)
            copy_file(found, target)
        os.lchown(target, uid, gid)
        if not found.is_symlink():
            target.chmod(mode)
            if capability is not None:
                os.setxattr(target, _CAPABILITY, capability)

    def _covers_lower(self, path: str) -> bool:
        """Whether a name in the lower directory would show without a whiteout."""
        parent = path.rpartition("/")[0]
        _place, hides = _look(self.upper, parent)
        return not hides and self.find_below(path) is not None

    def _place(self, path: str) -> Path:
        """The free place in the upper directory for a new file."""
        self._raise_parents(path)
        target = self.upper / path
        _delete(target)
        return target

    def _raise_parents(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        if parent:
            self._raise_directory(parent)

    def _raise_directory(self, path: str) -> None:
        """Have a directory in the upper one too, with the same owner and mode."""
        self._raise_parents(path)
        found = self.find(path)
        target = self.upper / path
        if found is None:
            below = self._covers_lower(path)
            _delete(target)
            target.mkdir()
            target.chmod(0o755)
            os.chown(target, 0, 0)
            if below:
                os.setxattr(target, OPAQUE, b"y")
        elif found != target:
            target.mkdir()
            status = found.lstat()
            os.chown(target, status.st_uid, status.st_gid)
            target.chmod(stat.S_IMODE(status.st_mode))


def is_whiteout(status: os.stat_result) -> bool:
    """Whether this is the overlay's mark for "removed"."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def hide(place: Path) -> None:
    """Make that mark: whatever layers below have at this place is not seen."""
    os.mknod(place, stat.S_IFCHR, os.makedev(0, 0))


def copy_file(source: Path, target: Path) -> None:
    """A new file or link like source: content, owner, mode, capabilities."""
    status = source.lstat()
    if stat.S_ISLNK(status.st_mode):
        target.symlink_to(source.readlink())
    else:
        shutil.copyfile(source, target)
    os.lchown(target, status.st_uid, status.st_gid)
    if not stat.S_ISLNK(status.st_mode):
        target.chmod(stat.S_IMODE(status.st_mode))
        if _CAPABILITY in os.listxattr(source):
            os.setxattr(target, _CAPABILITY, os.getxattr(source, _CAPABILITY))


def _topmost(layers: Sequence[Path], path: str) -> Path | None:
    """What the first of the layers shows at path; None for nothing."""
    *covering, last = layers
    for layer in covering:
        place, hides = _look(layer, path)
        if place is not None or hides:
            return place
    place = last / path
    return place if _status(place) is not None else None


def _look(layer: Path, path: str) -> tuple[Path | None, bool]:
    """What a layer itself has at path, and whether it hides what is at path in those below."""
    place, hides = layer, False
    for part in path.split("/") if path else []:
        place = place / part
        status = _status(place)
        if status is None:
            return None, hides
        if is_whiteout(status):
            return None, True
        hides = hides or not stat.S_ISDIR(status.st_mode) or _is_opaque(place)
    return place, hides


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _names(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_opaque(path: Path) -> bool:
    try:
        return os.getxattr(path, OPAQUE) == b"y"
    except OSError:
        return False


def _delete(path: Path) -> None:
    status = _status(path)
    if status is None:
        return
    if stat.S_ISDIR(status.st_mode):
        shutil.rmtree(path)
    else:
        path.unlink()
