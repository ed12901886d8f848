"""What was changed in a machine's /etc, and what an upgrade will meet there.

As libostree's merge does it, owner, mode, content and links count; extended attributes do not,
since SELinux labels differ between /usr/etc and /etc.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.differences.files import Change, Entry, FileDifference, file_differences
from engine.errors import OstreeError
from engine.ostree import translated
from engine.repo import Repo

_CHUNK = 1 << 20


@dataclass(frozen=True)
class ConfigChange:
    """path: relative to /etc. is_directory: what it is now, or was when it was removed."""

    path: str
    change: Change
    is_directory: bool = False


@dataclass(frozen=True)
class ConfigDifferences:
    """changes: modified ones, removed ones (a directory stands for all in it), added ones, each by
    path. unreadable: paths that only root can compare."""

    changes: tuple[ConfigChange, ...]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class EtcConflict:
    """A path (relative to /etc) that was changed both on the machine and in the tree: the machine's
    own stays. fatal: the upgrade will fail, because a local file is a directory in the new tree."""

    path: str
    local: Change
    upstream: Change
    fatal: bool = False


def config_differences(deployment: Path) -> ConfigDifferences:
    """Between /usr/etc and /etc of a deployment's root directory. Raises OstreeError."""
    tree, machine = deployment / "usr/etc", deployment / "etc"
    for folder in (tree, machine):
        if not folder.is_dir():
            raise OstreeError(
                f"Could not compare the configuration of {deployment}: there is no {folder}.",
                "Is it a deployment's root directory?",
            )
    comparison = _Comparison(tree, machine)
    changes = list(comparison.directory(""))
    order = ("modified", "removed", "added")
    changes.sort(key=lambda each: (order.index(each.change), each.path))
    return ConfigDifferences(tuple(changes), tuple(comparison.unreadable))


def etc_conflicts(repo: Repo, deployment: Path, old: str, new: str) -> tuple[EtcConflict, ...]:
    """What was changed in the deployment's /etc and also between two commits, old being the
    deployment's. A file that both made the same is no conflict. Raises OstreeError."""
    upstream = {
        each.path.removeprefix("/usr/etc/"): each
        for each in file_differences(repo, old, new, "usr/etc").changed(removed_contents=True)
    }
    changes = config_differences(deployment).changes
    ours = {change.path for change in changes}
    found: dict[str, EtcConflict] = {}
    for local in changes:
        for path in _touched(local, ours, upstream):
            conflict = _conflict(repo, deployment / "etc", local, path, upstream[path])
            if conflict is not None:
                found[path] = conflict
    return tuple(found[path] for path in sorted(found))


class _Comparison:
    def __init__(self, tree: Path, machine: Path) -> None:
        self.unreadable: list[str] = []
        self._tree = tree
        self._machine = machine

    def directory(self, path: str) -> Iterator[ConfigChange]:
        before, after = self._names(self._tree, path), self._names(self._machine, path)
        for name in sorted(before | after):
            inner = f"{path}/{name}" if path else name
            if name not in after:
                yield ConfigChange(inner, "removed", self._is_directory(self._tree, inner))
            elif name not in before:
                yield from self._added(inner)
            else:
                yield from self._both(inner)

    def _both(self, path: str) -> Iterator[ConfigChange]:
        old, new = (root / path for root in (self._tree, self._machine))
        before, after = old.lstat(), new.lstat()
        kinds = stat.S_IFMT(before.st_mode), stat.S_IFMT(after.st_mode)
        is_directory = stat.S_ISDIR(after.st_mode)
        if kinds[0] != kinds[1] or _attributes(before) != _attributes(after):
            yield ConfigChange(path, "modified", is_directory)
        elif not is_directory and self._contents_differ(path, before, after):
            yield ConfigChange(path, "modified")
        if is_directory and kinds[0] == kinds[1]:
            yield from self.directory(path)

    def _contents_differ(self, path: str, before: os.stat_result, after: os.stat_result) -> bool:
        old, new = (root / path for root in (self._tree, self._machine))
        if stat.S_ISLNK(before.st_mode):
            return old.readlink() != new.readlink()
        if not stat.S_ISREG(before.st_mode):
            return False
        if before.st_size != after.st_size:
            return True
        try:
            return not _same_content(old, new)
        except PermissionError:
            self.unreadable.append(path)
            return False

    def _added(self, path: str) -> Iterator[ConfigChange]:
        is_directory = self._is_directory(self._machine, path)
        yield ConfigChange(path, "added", is_directory)
        if is_directory:
            for name in sorted(self._names(self._machine, path)):
                yield from self._added(f"{path}/{name}")

    def _names(self, root: Path, path: str) -> set[str]:
        try:
            return {entry.name for entry in os.scandir(root / path)}
        except PermissionError:
            if path not in self.unreadable:
                self.unreadable.append(path)
            return set()

    @staticmethod
    def _is_directory(root: Path, path: str) -> bool:
        return stat.S_ISDIR((root / path).lstat().st_mode)


def _touched(
    local: ConfigChange, ours: set[str], upstream: dict[str, FileDifference]
) -> Iterator[str]:
    """The paths of upstream's changes that a local change meets: its own; those in a directory that
    was removed here; a file that upstream has now where the machine has a directory."""
    if local.path in upstream:
        yield local.path
    if local.change == "removed":
        yield from (path for path in upstream if path.startswith(f"{local.path}/"))
    for parent in map(str, Path(local.path).parents):
        change = upstream.get(parent)
        is_file = change is not None and change.new is not None and not change.new.is_directory
        if is_file and parent not in ours:
            yield parent


def _conflict(
    repo: Repo, etc: Path, local: ConfigChange, path: str, upstream: FileDifference
) -> EtcConflict | None:
    new = upstream.new
    if local.change == "removed":
        return None if new is None else EtcConflict(path, "removed", upstream.change)
    becomes_directory = new is not None and new.is_directory
    if path == local.path and becomes_directory and local.is_directory:
        return None  # both have the directory; what is in it is told by itself
    if new is not None and not becomes_directory and _is_same(repo, etc / path, new):
        return None
    fatal = becomes_directory or path != local.path
    return EtcConflict(path, local.change, upstream.change, fatal)


def _is_same(repo: Repo, path: Path, entry: Entry) -> bool:
    """Whether the machine's file is what a tree has. One that cannot be read is not."""
    with translated(f"read {path}"):
        _ok, stream, info, _xattrs = repo.native.load_file(entry.checksum, None)
    status = path.lstat()
    unlike = stat.S_IFMT(status.st_mode) != stat.S_IFMT(info.get_attribute_uint32("unix::mode"))
    wanted = tuple(info.get_attribute_uint32(f"unix::{name}") for name in ("uid", "gid"))
    if unlike or wanted != (status.st_uid, status.st_gid):
        return False
    if stat.S_ISLNK(status.st_mode):
        return bool(os.readlink(path) == info.get_symlink_target())  # noqa: PTH115 - text, not a Path
    if stat.S_IMODE(status.st_mode) != stat.S_IMODE(info.get_attribute_uint32("unix::mode")):
        return False
    try:
        return status.st_size == info.get_size() and _stream_equals(stream, path)
    except PermissionError:
        return False


def _stream_equals(stream: Any, path: Path) -> bool:
    """Whether the stream gives what is in the file, which has as many bytes."""
    with path.open("rb") as file:
        while chunk := stream.read_bytes(_CHUNK, None).get_data():
            if file.read(len(chunk)) != chunk:
                return False
    return True


def _same_content(one: Path, other: Path) -> bool:
    with one.open("rb") as first, other.open("rb") as second:
        while chunk := first.read(_CHUNK):
            if second.read(_CHUNK) != chunk:
                return False
    return True


def _attributes(status: os.stat_result) -> tuple[int, int, int]:
    """Links have no mode of their own."""
    mode = 0 if stat.S_ISLNK(status.st_mode) else stat.S_IMODE(status.st_mode)
    return mode, status.st_uid, status.st_gid
