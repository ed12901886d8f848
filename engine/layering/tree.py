"""A base commit's tree with packages taken out and put in, by reference: no file is read.

What is removed goes only if no other package owns it; what is added must not be another package's,
unless both have the same.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from engine.assembly import Assembly, Entry, parents, refuse_conflicts
from engine.initramfs import MODULES, kernel_versions
from engine.layering.base_tree import BaseTree, Owned, owners_of
from engine.ostree import translated
from engine.packages.importer import ImportedPackage, possible_paths, tree_path
from engine.packages.placement import BOOT, on_machine
from engine.packages.rpmfile import PackagedFile, RpmHeader
from engine.postprocess.accounts import GROUP, GSHADOW, PASSWD, SHADOW
from engine.repo import Repo
from engine.treebuilder import TreeBuilder, committed_tree, directory_at, drop_path

# the tree's own accounts are what its files belong to
_ACCOUNTS = frozenset({GROUP, GSHADOW, PASSWD, SHADOW})
_MADE_BY_DEPMOD = "modules."
_KERNEL_FILES = ("System.map", "config", "initramfs.img", "vmlinuz")
_HINT = "Files of two packages cannot be at one place: leave one of the packages out."


class LayeredTree:
    """kept, leaving: the base tree's packages. imported: the new ones, replacements too.
    overriding: names of those whose files may take the place of the base tree's."""

    def __init__(
        self,
        repo: Repo,
        base: str,
        kept: Sequence[RpmHeader],
        leaving: Sequence[RpmHeader],
        imported: Sequence[ImportedPackage],
        *,
        overriding: Collection[str] = (),
    ) -> None:
        self._repo = repo
        self._commit = base
        self._kept = kept
        self._leaving = leaving
        self._overriding = overriding
        self._base = BaseTree(repo, base)
        self._assembly = Assembly(repo, imported, below=self._base.target)
        self.real_path = self._assembly.real_path

    def write(self) -> Any:
        """The tree as an OSTree.RepoFile, written inside a transaction of the caller.

        Raises PackageError naming the packages of each conflict.
        """
        there, taken = self._compare()
        owners = owners_of(taken, self._kept, self.real_path)
        same = {
            path
            for path, entry in taken.items()
            if path in _ACCOUNTS or self._is_shared(path, entry, owners)
        }
        refuse_conflicts(self._conflicts(taken.keys() - same, owners), _HINT)
        with translated(f"layer packages on {self._commit}"):
            native = committed_tree(self._repo, self._commit)
            self._remove(native)
            for path in taken.keys() - same:
                if taken[path].checksum is None:
                    drop_path(native, path)  # a file that no package owns, where a directory comes
            builder = TreeBuilder(self._repo, native)
            self._assembly.place(builder, there | same)
            return builder.write()

    def _compare(self) -> tuple[set[str], dict[str, Entry]]:
        """Paths at which the base tree has the same already, and those with something else."""
        there: set[str] = set()
        taken: dict[str, Entry] = {}
        for path, entry in self._assembly.entries.items():
            found = self._base.file(path)
            if entry.checksum is None:
                if self._base.is_directory(path):
                    there.add(path)
                elif found is not None:
                    taken[path] = entry
            elif found is not None and found == entry.checksum:
                there.add(path)
            elif found is not None or self._base.is_directory(path):
                taken[path] = entry
        return there, taken

    def _is_shared(self, path: str, entry: Entry, owners: Owned) -> bool:
        """Whether a package of the base tree has the very same entry, as its header says.

        The objects may still differ: by an owner other than root, or by a script's changes.
        """
        new = _packaged(entry, path, self.real_path)
        return new is not None and any(_alike(new, old) for _package, old in owners.get(path, ()))

    def _conflicts(self, paths: Collection[str], owners: Owned) -> Iterator[str]:
        yield from self._assembly.conflicts()
        for path in sorted(paths):
            new = self._assembly.entries[path].owner
            if self._base.is_directory(path):
                yield f"{on_machine(path)} of {new.nevra} is a directory of the base tree"
            elif path in owners and new.name not in self._overriding:
                old = owners[path][0][0].nevra
                yield f"{on_machine(path)} of {new.nevra} is also in {old} of the base tree"

    def _remove(self, native: Any) -> None:
        """Take out what only leaving packages had, and what directories are empty then."""
        entries = self._assembly.entries
        gone = {
            path
            for package in self._leaving
            for path in (*map(self.real_path, possible_paths(package)), *self._kernel(package))
        }
        gone -= owners_of(gone, self._kept, self.real_path).keys()
        for path in gone:
            replaced = path in entries and entries[path].checksum is not None
            if not replaced and path not in _ACCOUNTS and self._base.file(path) is not None:
                drop_path(native, path)
        self._remove_empty(native, {*gone, *(each for path in gone for each in parents(path))})

    def _remove_empty(self, native: Any, folders: set[str]) -> None:
        """Those that held nothing but what is gone, and that no other package owns."""
        found = {path for path in folders if self._base.is_directory(path)}
        found -= {BOOT, *self._assembly.entries}
        found -= owners_of(found, self._kept, self.real_path).keys()
        for path in sorted(found, key=lambda path: -path.count("/")):
            folder = directory_at(native, path)
            if folder is not None and not folder.get_files() and not folder.get_subdirs():
                drop_path(native, path)

    def _kernel(self, package: RpmHeader) -> Iterator[str]:
        """What composing made of a kernel package's files, beside and instead of them."""
        for version in kernel_versions(package):
            folder = f"{MODULES}/{version}"
            for name in self._base.names(folder):
                if name in _KERNEL_FILES or name.startswith(_MADE_BY_DEPMOD):
                    yield f"{folder}/{name}"
            yield folder


def _packaged(entry: Entry, path: str, real_path: Any) -> PackagedFile | None:
    for file in entry.owner.files():
        place = tree_path(file)
        if place is not None and real_path(place) == path:
            return file
    return None


def _alike(one: PackagedFile, other: PackagedFile) -> bool:
    """As librpm compares files that two packages share."""
    if stat.S_IFMT(one.mode) != stat.S_IFMT(other.mode):
        return False
    return one.target == other.target if one.is_symlink else one.digest == other.digest
