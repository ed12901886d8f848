"""The tree of a base commit, read where it is asked for and nowhere else."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine.committed_file import link_target
from engine.packages.importer import tree_path
from engine.packages.placement import on_machine
from engine.packages.rpmfile import PackagedFile, RpmHeader
from engine.repo import Repo
from engine.treebuilder import committed_tree, directory_at

Owned = dict[str, list[tuple[RpmHeader, PackagedFile]]]


class BaseTree:
    """Looks paths up; directories that nobody asks for are not read."""

    def __init__(self, repo: Repo, commit: str) -> None:
        self._repo = repo
        self._root = committed_tree(repo, commit)
        self._folders: dict[str, tuple[dict[str, str], set[str]]] = {}

    def file(self, path: str) -> str | None:
        """The object of the file or symbolic link at path; None for none, and for a directory."""
        folder, _, name = path.rpartition("/")
        return self._folder(folder)[0].get(name)

    def is_directory(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return name in self._folder(folder)[1]

    def names(self, path: str) -> list[str]:
        """The files and links in a directory; none when it does not exist."""
        return list(self._folder(path)[0])

    def target(self, path: str) -> str | None:
        """Where the link at path leads, as an absolute path of the machine; None for no link."""
        checksum = self.file(path)
        target = link_target(self._repo, checksum) if checksum is not None else None
        if target is None:
            return None
        return posixpath.normpath(posixpath.join(posixpath.dirname(on_machine(path)), target))

    def _folder(self, path: str) -> tuple[dict[str, str], set[str]]:
        if path not in self._folders:
            native: Any = directory_at(self._root, path) if path else self._root
            found: tuple[dict[str, str], set[str]] = ({}, set())
            if native is not None:
                found = (dict(native.get_files()), set(native.get_subdirs()))
            self._folders[path] = found
        return self._folders[path]


def owners_of(
    paths: Iterable[str], packages: Sequence[RpmHeader], real_path: Callable[[str], str]
) -> Owned:
    """Which packages have these paths of the tree, each with its entry."""
    wanted = set(paths)
    names = {path.rpartition("/")[2] for path in wanted}
    found: Owned = {}
    for package in packages if wanted else ():
        if names.isdisjoint(package.basenames):
            continue
        for file in package.files():
            if file.path.rpartition("/")[2] in names:
                path = tree_path(file)
                real = real_path(path) if path is not None else ""
                if real in wanted:
                    found.setdefault(real, []).append((package, file))
    return found
