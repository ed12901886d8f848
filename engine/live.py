"""Differences between two trees applied to the files of the running system.

/usr must be writable for this process. What is copied comes from the directory of a deployment; the
repository's objects are never linked, since programs may write to the running copy.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from engine.differences.files import FileDifference
from engine.overlay import copy_file

_ETC = "/usr/etc/"


@dataclass(frozen=True)
class LiveTree:
    """root: of the running system. former, target: root directories of the deployment that was
    booted and of the one whose tree is wanted."""

    root: Path
    former: Path
    target: Path

    def apply(self, differences: FileDifference) -> int:
        """Make /usr as the target's; the number of changed paths.

        differences: of "usr" between the two commits. New files appear under their names in one
        step; directories come before what is in them.
        """
        count = 0
        for each in differences.changed(removed_contents=True):
            self._put(self.root / each.path[1:], self.target / each.path[1:])
            count += 1
        return count

    def apply_etc(self, differences: FileDifference) -> tuple[str, ...]:
        """Bring the target's new defaults to /etc, where the machine has not changed them.

        Returns the paths that stay as the machine has them.
        """
        kept = []
        for each in differences.changed(removed_contents=True):
            if not each.path.startswith(_ETC):
                continue
            name = each.path.removeprefix(_ETC)
            mine, old = self.root / "etc" / name, self.former / "usr/etc" / name
            if _same(mine, old):
                self._put(mine, self.target / "usr/etc" / name)
            else:
                kept.append(f"/etc/{name}")
        return tuple(kept)

    def _put(self, place: Path, wanted: Path) -> None:
        """Make place as wanted, or remove it where there is none."""
        if _kind(wanted) == stat.S_IFDIR:
            if _kind(place) != stat.S_IFDIR:
                _remove(place)
                place.mkdir()
            status = wanted.stat()
            os.chown(place, status.st_uid, status.st_gid)
            place.chmod(stat.S_IMODE(status.st_mode))
            return
        if _kind(wanted) is None or _kind(place) == stat.S_IFDIR:
            _remove(place)
        if _kind(wanted) is not None:
            temporary = place.with_name(f".{place.name}.photree-live")
            _remove(temporary)
            copy_file(wanted, temporary)
            temporary.rename(place)


def _kind(path: Path) -> int | None:
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _remove(path: Path) -> None:
    kind = _kind(path)
    if kind == stat.S_IFDIR:
        shutil.rmtree(path)
    elif kind is not None:
        path.unlink()


def _same(one: Path, other: Path) -> bool:
    """Whether two paths have the same type, mode and content; a directory counts by its type."""
    kinds = _kind(one), _kind(other)
    if kinds[0] != kinds[1]:
        return False
    if kinds[0] in (None, stat.S_IFDIR):
        return True
    if kinds[0] == stat.S_IFLNK:
        return one.readlink() == other.readlink()
    same_mode = one.stat().st_mode == other.stat().st_mode
    return same_mode and one.read_bytes() == other.read_bytes()
