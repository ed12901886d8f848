"""An overlay's changes applied to a tree in the repository: the cost is that of the changes."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.events import Emit, LogLine
from engine.ostree import GLib, OSTree, translated
from engine.overlay import OPAQUE, OverlayTree, is_whiteout
from engine.packages.capabilities import XATTR
from engine.repo import Repo
from engine.treebuilder import NO_XATTRS, drop_path


@dataclass
class _Changes:
    """hidden: paths whose former content goes. capabilities: by path as libostree's callback gets
    it ("/usr/bin/ping")."""

    hidden: list[str] = field(default_factory=list)
    capabilities: dict[str, Any] = field(default_factory=dict)


def write_changed_tree(repo: Repo, root: tuple[str, str], tree: OverlayTree, emit: Emit) -> Any:
    """The tree of root (checksums of contents and metadata) with the overlay's upper directory on
    top, as an OSTree.RepoFile, written inside the caller's transaction.

    The upper directory loses its whiteouts and special files: it cannot be mounted again.
    """
    changes = _Changes()
    _scan(tree, "", changes, emit)
    with translated("write the changed files"):
        native = OSTree.MutableTree.new_from_checksum(repo.native, *root)
        for path in changes.hidden:
            drop_path(native, path)
        descriptor = os.open(tree.upper, os.O_RDONLY | os.O_DIRECTORY)
        try:
            repo.native.write_dfd_to_mtree(
                descriptor, ".", native, _modifier(changes.capabilities), None
            )
        finally:
            os.close(descriptor)
        _ok, written = repo.native.write_mtree(native, None)
    return written


def _scan(tree: OverlayTree, path: str, changes: _Changes, emit: Emit) -> None:
    """Collect what hides and what has capabilities; remove what cannot be committed."""
    with os.scandir(tree.upper / path) as entries:
        for entry in list(entries):
            name = f"{path}/{entry.name}" if path else entry.name
            status = entry.stat(follow_symlinks=False)
            if is_whiteout(status):
                changes.hidden.append(name)
                Path(entry.path).unlink()
                continue
            if not _can_be_committed(status.st_mode):
                emit(LogLine(f"/{name} is a special file: left out", "warning"))
                Path(entry.path).unlink()
                continue
            if _replaces(tree, name, status.st_mode) or _is_opaque(entry):
                changes.hidden.append(name)
            if stat.S_ISREG(status.st_mode):
                _note_capability(entry.path, name, changes)
            elif stat.S_ISDIR(status.st_mode):
                _scan(tree, name, changes, emit)


def _can_be_committed(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)


def _replaces(tree: OverlayTree, name: str, mode: int) -> bool:
    """Whether something of another kind is below."""
    below = tree.find_below(name)
    return below is not None and stat.S_ISDIR(below.lstat().st_mode) != stat.S_ISDIR(mode)


def _is_opaque(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and OPAQUE in os.listxattr(
        entry.path, follow_symlinks=False
    )


def _note_capability(path: str, name: str, changes: _Changes) -> None:
    if XATTR in os.listxattr(path):
        value = os.getxattr(path, XATTR)
        changes.capabilities[f"/{name}"] = GLib.Variant(
            "a(ayay)", [(XATTR.encode() + b"\0", value)]
        )


def _modifier(capabilities: dict[str, Any]) -> Any:
    """Of the extended attributes only capabilities: labels and overlay marks are the machine's."""

    def find_attributes(_repo: Any, path: str, _info: Any, *_data: Any) -> Any:
        return capabilities.get(path, NO_XATTRS)

    modifier = OSTree.RepoCommitModifier.new(OSTree.RepoCommitModifierFlags.NONE, None, None)
    modifier.set_xattr_callback(find_attributes, None)
    return modifier
