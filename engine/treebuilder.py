"""Building a tree inside a repository from objects it has already, path by path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.ostree import Gio, GLib, OSTree
from engine.repo import Repo

DIRECTORY_MODE = 0o040755
NO_XATTRS = GLib.Variant("a(ayay)", [])


class TreeBuilder:
    """Files and directories by path ("usr/bin/sh"), written at the end. Directories that nobody
    adds get 0755 root:root. Use it inside a transaction of the repository."""

    def __init__(self, repo: Repo, native: Any | None = None) -> None:
        """native: an OSTree.MutableTree to go on with."""
        self._repo = repo.native
        self.native = native or OSTree.MutableTree.new()
        self._directories: dict[str, Any] = {"": self.native}
        self._metadata: dict[tuple[int, int, int], str] = {}
        if native is None:
            self.native.set_metadata_checksum(self.directory_metadata(DIRECTORY_MODE))

    def add_file(self, path: str, checksum: str) -> None:
        """Put a content object (a file or a symbolic link) at path."""
        parent, _, name = path.rpartition("/")
        self._directory(parent).replace_file(name, checksum)

    def add_directory(self, path: str, mode: int = DIRECTORY_MODE) -> None:
        """Make the directory, or set the mode of one that is there."""
        self._directory(path).set_metadata_checksum(self.directory_metadata(mode))

    def add_text(self, path: str, text: str, mode: int = 0o100644) -> None:
        """Write a file's content as a new object and put it at path."""
        checksum = self._repo.write_regfile_inline(None, 0, 0, mode, NO_XATTRS, text.encode(), None)
        self.add_file(path, checksum)

    def add_symlink(self, path: str, target: str) -> None:
        self.add_file(path, self._repo.write_symlink(None, 0, 0, NO_XATTRS, target, None))

    def directory_metadata(self, mode: int, uid: int = 0, gid: int = 0) -> str:
        """The checksum of the directory metadata object, which is written when missing."""
        key = (mode, uid, gid)
        if key not in self._metadata:
            info = Gio.FileInfo.new()
            for name, value in zip(("mode", "uid", "gid"), key, strict=True):
                info.set_attribute_uint32(f"unix::{name}", value)
            variant = OSTree.create_directory_metadata(info, NO_XATTRS)
            _ok, digest = self._repo.write_metadata(OSTree.ObjectType.DIR_META, None, variant, None)
            self._metadata[key] = bytes(digest).hex()
        return self._metadata[key]

    def write(self) -> Any:
        """Write the directory objects; the tree's root as an OSTree.RepoFile."""
        _ok, root = self._repo.write_mtree(self.native, None)
        return root

    def _directory(self, path: str) -> Any:
        found = self._directories.get(path)
        if found is None:
            parent, _, name = path.rpartition("/")
            _ok, found = self._directory(parent).ensure_dir(name)
            if not found.get_metadata_checksum():
                found.set_metadata_checksum(self.directory_metadata(DIRECTORY_MODE))
            self._directories[path] = found
        return found


def flatten(native: Any, prefix: str = "") -> Iterator[tuple[str, str, bool]]:
    """(path, checksum, is_directory) of everything in an OSTree.MutableTree, parents first; the
    checksum of a directory is that of its metadata (owner and mode)."""
    for name, checksum in native.get_files().items():
        yield f"{prefix}{name}", checksum, False
    for name, subtree in native.get_subdirs().items():
        path = f"{prefix}{name}"
        yield path, subtree.get_metadata_checksum(), True
        yield from flatten(subtree, f"{path}/")


def committed_tree(repo: Repo, rev: str) -> Any:
    """The tree of a commit as an OSTree.MutableTree, its directories loaded when asked for."""
    return OSTree.MutableTree.new_from_commit(repo.native, rev)


def root_checksums(root: Any) -> tuple[str, str]:
    """Of contents and metadata of a directory as an OSTree.RepoFile."""
    return root.tree_get_contents_checksum(), root.tree_get_metadata_checksum()


def directory_at(native: Any, path: str) -> Any | None:
    """The directory at path below an OSTree.MutableTree; None when there is none."""
    for part in path.split("/"):
        native = native.get_subdirs().get(part)
        if native is None:
            return None
    return native


def drop_path(native: Any, path: str) -> None:
    """Remove what is at path below an OSTree.MutableTree; nothing happens when there is none."""
    parent, _, name = path.rpartition("/")
    folder = directory_at(native, parent) if parent else native
    if folder is not None:
        folder.remove(name, True)
