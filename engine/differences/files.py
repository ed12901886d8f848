"""Which files and directories differ between two commits.

Directories are compared by the checksums of their contents: equal ones are not looked into.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from engine.gvariant import array_items, split_pair
from engine.ostree import Gio, OSTree, translated
from engine.repo import Repo

Change = Literal["modified", "removed", "added", ""]
_CHECKSUM = 32


@dataclass(frozen=True)
class Entry:
    """A file, symbolic link or directory of a tree. checksum: of the content object, which counts
    owner, mode and extended attributes; of a directory: of these alone. contents: of a directory,
    the checksum of what is in it; empty for others."""

    checksum: str
    contents: str = ""

    @property
    def is_directory(self) -> bool:
        return bool(self.contents)


@dataclass(frozen=True)
class FileDifference:
    """A path (absolute; "/" for the whole) and what happened to it.

    change: "" for a directory that only has changes in it. children: those, by name; all of what is
    in a directory that was added or removed; nothing when a file became a directory or a directory
    a file.
    """

    path: str
    change: Change
    old: Entry | None
    new: Entry | None
    children: tuple[FileDifference, ...] = ()

    def changed(self, *, removed_contents: bool = False) -> Iterator[FileDifference]:
        """This one, if it changed, and those below it, by path. removed_contents: also everything
        in a directory that was removed."""
        if self.change:
            yield self
        if self.change != "removed" or removed_contents:
            for child in self.children:
                yield from child.changed(removed_contents=removed_contents)


@dataclass(frozen=True)
class EntryDetails:
    """kind: "file", "directory", "link" or another type of stat(2). mode: permission bits. size: of
    a file's content, in bytes. target: of a link."""

    kind: str
    mode: int
    uid: int
    gid: int
    size: int = 0
    target: str = ""


def file_differences(repo: Repo, old: str, new: str, below: str = "") -> FileDifference:
    """Between the trees of two revisions; the root's own owner and mode are not compared.

    below: only what is in this directory ("usr/etc"); one that a tree does not have counts as
    empty. Raises OstreeError when there is no such revision, or a directory object is missing.
    """
    walk = _Walk(repo)
    before, after = (walk.directory(rev, below) for rev in (old, new))
    prefix = f"/{below}" if below else ""
    children = walk.compare(prefix, before, after)
    return FileDifference(prefix or "/", "", Entry("", before), Entry("", after), children)


def entry_details(repo: Repo, entry: Entry) -> EntryDetails:
    """Reads the object. Raises OstreeError when it is missing."""
    if entry.is_directory:
        with translated(f"read the directory {entry.checksum} in {repo.path}"):
            kind = OSTree.ObjectType.DIR_META
            _ok, variant = repo.native.load_variant(kind, entry.checksum)
        uid, gid, mode = (
            int.from_bytes(variant.get_child_value(index).get_data_as_bytes().get_data(), "big")
            for index in range(3)
        )
        return EntryDetails("directory", stat.S_IMODE(mode), uid, gid)
    with translated(f"read the file {entry.checksum} in {repo.path}"):
        _ok, _stream, info, _xattrs = repo.native.load_file(entry.checksum, None)
    return details_of(info)


def details_of(info: Any) -> EntryDetails:
    """Of a Gio.FileInfo with libostree's attributes."""
    kind = info.get_file_type()
    names = {Gio.FileType.REGULAR: "file", Gio.FileType.SYMBOLIC_LINK: "link"}
    return EntryDetails(
        kind=names.get(kind, "other"),
        mode=stat.S_IMODE(info.get_attribute_uint32("unix::mode")),
        uid=info.get_attribute_uint32("unix::uid"),
        gid=info.get_attribute_uint32("unix::gid"),
        size=info.get_size() if kind == Gio.FileType.REGULAR else 0,
        target=info.get_symlink_target() or "" if kind == Gio.FileType.SYMBOLIC_LINK else "",
    )


class _Walk:
    def __init__(self, repo: Repo) -> None:
        self._repo = repo

    def directory(self, rev: str, path: str) -> str:
        """The checksum of the contents of a directory of a commit's tree, "" when there is none."""
        contents = self._repo.load_commit(rev).tree
        for name in filter(None, path.split("/")):
            entry = self._entries(contents).get(name)
            if entry is None or not entry.is_directory:
                return ""
            contents = entry.contents
        return contents

    def compare(self, path: str, old: str, new: str) -> tuple[FileDifference, ...]:
        """What is in one directory against what is in another."""
        if old == new:
            return ()
        before, after = self._entries(old), self._entries(new)
        found = (
            self._difference(f"{path}/{name}", before.get(name), after.get(name))
            for name in sorted(before.keys() | after.keys())
        )
        return tuple(difference for difference in found if difference is not None)

    def _difference(self, path: str, old: Entry | None, new: Entry | None) -> FileDifference | None:
        if old == new:
            return None
        if old is None or new is None:
            contents = [each.contents if each is not None else "" for each in (old, new)]
            change: Change = "added" if old is None else "removed"
            return FileDifference(path, change, old, new, self.compare(path, *contents))
        if old.is_directory != new.is_directory:
            return FileDifference(path, "modified", old, new)
        change = "modified" if old.checksum != new.checksum else ""
        children = self.compare(path, old.contents, new.contents)
        return FileDifference(path, change, old, new, children)

    def _entries(self, contents: str) -> dict[str, Entry]:
        """By name. A dirtree object: a(say) of files, a(sayay) of directories, which have two
        checksums, of their contents and of their metadata."""
        if not contents:
            return {}
        with translated(f"read the directory {contents} in {self._repo.path}"):
            kind = OSTree.ObjectType.DIR_TREE
            _ok, variant = self._repo.native.load_variant(kind, contents)
        files, directories = split_pair(bytes(variant.get_data_as_bytes().get_data()))
        found: dict[str, Entry] = {}
        for item in array_items(files):
            name, _, rest = item.partition(b"\0")
            found[_text(name)] = Entry(rest[:_CHECKSUM].hex())
        for item in array_items(directories):
            name, _, rest = item.partition(b"\0")
            checksum = rest[_CHECKSUM : 2 * _CHECKSUM].hex()
            found[_text(name)] = Entry(checksum, rest[:_CHECKSUM].hex())
        return found


def _text(name: bytes) -> str:
    """As Python names files."""
    return name.decode(errors="surrogateescape")
