"""Room for new objects in a repository, known before anything is transferred or written."""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import OstreeError
from engine.ostree import translated
from engine.repo import Repo

_BLOCK = 4096


def whole_blocks(size: int) -> int:
    """What a file of so many bytes takes on the disk."""
    return -(-size // _BLOCK) * _BLOCK


def same_file_system(path: Path, other: Path) -> bool:
    """Whether what is written below path, which need not exist, takes the room of other."""
    there = next(each for each in (path, *path.parents) if each.exists())
    return there.stat().st_dev == other.stat().st_dev


def require_space(repo: Repo, want: int, what: str) -> None:
    """Raises OstreeError when the repository's file system has no room for want bytes.

    what: the action with its place. libostree leaves a part of the disk free (3 % unless the
    repository's configuration says otherwise): that is no room.
    """
    with translated(f"read the settings of {repo.path}"):
        _ok, reserved = repo.native.get_min_free_space_bytes()
    have = os.statvfs(repo.path)
    free = max(0, have.f_bavail * have.f_frsize - reserved)
    if want <= free:
        return
    kept = f" ({reserved // 10**6} MB are kept in reserve)" if reserved >= 10**6 else ""
    raise OstreeError(
        f"Could not {what}: it needs {want // 10**6} MB in {repo.path}, "
        f"where {free // 10**6} MB are free{kept}.",
        "Free some space, or choose a larger disk.",
    )
