"""Package commits put together into one tree, by reference: no file is copied.

Paths are compared after links to directories among their parents were followed, as rpm does when
it unpacks: usr/lib64/x is usr/lib/x where usr/lib64 links to lib.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import PackageError
from engine.ostree import translated
from engine.packages.importer import ImportedPackage
from engine.packages.placement import BOOT, LINKED, Area, on_machine, placement
from engine.packages.rpmfile import RpmFile
from engine.repo import Repo
from engine.treebuilder import TreeBuilder, committed_tree, flatten

_MOUNT_POINTS = ("boot", "dev", "proc", "run", "sys", "sysroot", "tmp", "usr", "var")
_MERGED = ("bin", "sbin", "lib", "lib64")
_SHOWN_CONFLICTS = 10
_LINK_LIMIT = 40  # as the kernel's


@dataclass(frozen=True)
class AssembledTree:
    """The tree of all packages in a repository. root: the checksums of its root directory's
    contents and metadata; commit: a commit object without a ref, for checkouts; files: the
    packages' files and links with their objects."""

    commit: str
    root: tuple[str, str]
    files: Mapping[str, str]


@dataclass
class Entry:
    """What stands at a path. checksum: None for a directory. owner: the first package that has it;
    other: one that has something else there."""

    checksum: str | None
    owner: RpmFile
    other: RpmFile | None = None


class RealPaths:
    """Follows links to directories. target: the link at a path of the tree, as an absolute path of
    the machine; None where there is none."""

    def __init__(self, target: Callable[[str], str | None]) -> None:
        self.target = target
        self._folders: dict[str, str] = {"": ""}

    def __call__(self, path: str) -> str:
        """path with links among its parents followed."""
        parent, _, name = path.rpartition("/")
        return posixpath.join(self._real_folder(parent), name)

    def _real_folder(self, path: str, depth: int = 0) -> str:
        if path in self._folders:
            return self._folders[path]
        parent, _, name = path.rpartition("/")
        found = posixpath.join(self._real_folder(parent, depth), name)
        target = self.target(found)
        if target is not None and depth < _LINK_LIMIT:
            found = self._real_folder(placement(target).path, depth + 1)
        self._folders[path] = found
        return found


class Assembly:
    """Collects packages. entries: what they have, by real path."""

    def __init__(
        self,
        repo: Repo,
        packages: Sequence[ImportedPackage],
        dropped: Mapping[str, Sequence[str]] | None = None,
        below: Callable[[str], str | None] = lambda _path: None,
    ) -> None:
        """dropped: the treefile's remove-from-packages, package name -> regular expressions that
        match whole paths ("/usr/share/doc/.*"). below: the links, as for RealPaths, of a tree that
        the packages are added to."""
        self._repo = repo
        self._packages = packages
        self._dropped = {
            name: [re.compile(pattern) for pattern in patterns]
            for name, patterns in (dropped or {}).items()
        }
        self.entries: dict[str, Entry] = {}
        links = self._directory_links()
        self.real_path = RealPaths(lambda path: links.get(path) or below(path))
        for package in packages:
            self._add(package)

    def write(self) -> AssembledTree:
        """Write the tree into the repository (inside a transaction of the caller).

        Raises PackageError naming both packages of each conflict.
        """
        refuse_conflicts(
            self.conflicts(),
            "Leave one of the packages out of the treefile, or the file with remove-from-packages.",
        )
        builder = TreeBuilder(self._repo)
        with translated("put the packages together"):
            self.place(builder)
            _add_skeleton(builder, self.entries)
            root = builder.write()
            _ok, commit = self._repo.native.write_commit_with_time(
                None, "", "", None, root, 0, None
            )
        return AssembledTree(
            str(commit),
            (root.tree_get_contents_checksum(), root.tree_get_metadata_checksum()),
            {
                path: entry.checksum
                for path, entry in self.entries.items()
                if entry.checksum is not None
            },
        )

    def conflicts(self) -> Iterator[str]:
        """A sentence for each path where two packages have different things."""
        for path, entry in self.entries.items():
            if entry.other is not None:
                yield f"/{path} is not the same in {entry.owner.nevra} and {entry.other.nevra}"

    def place(self, builder: TreeBuilder, without: Container[str] = frozenset()) -> None:
        """Add files and directories to a tree. without: paths to leave as they are."""
        for path, entry in self.entries.items():
            if entry.checksum is not None and path not in without:
                builder.add_file(path, entry.checksum)
        for path, mode in self._directory_modes().items():
            if path not in without:
                builder.add_directory(path, mode)

    def _add(self, package: ImportedPackage) -> None:
        patterns = self._dropped.get(package.rpm.name, ())
        for packaged, checksum, is_directory in flatten(committed_tree(self._repo, package.commit)):
            name = on_machine(packaged)
            if any(pattern.fullmatch(name) for pattern in patterns):
                continue
            path = self.real_path(packaged)
            if is_directory and self.real_path.target(path) is not None:
                continue
            found = None if is_directory else checksum
            entry = self.entries.setdefault(path, Entry(found, package.rpm))
            if entry.checksum != found:
                entry.other = package.rpm

    def _directory_modes(self) -> dict[str, int]:
        """The mode of every directory that a package owns; the first package decides."""
        modes: dict[str, int] = {}
        for package in self._packages:
            for file in package.rpm.files():
                if file.is_directory and not file.is_ghost:
                    place = placement(file.path)
                    path = self.real_path(place.path)
                    if place.area is Area.TREE and path in self.entries:
                        modes.setdefault(path, file.mode)
        return modes

    def _directory_links(self) -> dict[str, str]:
        """Symbolic links of all packages, by path: what they point to, as an absolute path."""
        links = {}
        for package in self._packages:
            for file in package.rpm.files():
                place = placement(file.path)
                if file.is_symlink and place.area is Area.TREE:
                    folder = posixpath.dirname(file.path)
                    links[place.path] = posixpath.normpath(posixpath.join(folder, file.target))
        return links


def refuse_conflicts(conflicts: Iterable[str], hint: str) -> None:
    """Raises PackageError with the sentences, if there are any."""
    found = list(conflicts)
    if found:
        shown = found[:_SHOWN_CONFLICTS]
        more = len(found) - len(shown)
        raise PackageError(
            f"Packages conflict: {'; '.join(shown)}" + (f"; and {more} more." if more else "."),
            hint,
            "\n".join(found),
        )


def _add_skeleton(builder: TreeBuilder, entries: Iterable[str]) -> None:
    """What every tree has, whichever packages it is made of."""
    for name in _MOUNT_POINTS:
        builder.add_directory(name)
    builder.add_directory(BOOT)
    builder.add_directory("usr/etc")
    taken = set(entries)
    folders = {path for entry in taken for path in parents(entry)} | taken
    for name in _MERGED:
        if name not in taken and f"usr/{name}" in folders:
            builder.add_symlink(name, f"usr/{name}")
    for path, target in LINKED.items():
        builder.add_symlink(path, "../" * path.count("/") + target)
    builder.add_symlink("ostree", "sysroot/ostree")


def parents(path: str) -> Iterator[str]:
    """The directories above a path, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
