"""Checkouts by hardlinks for the price of what differs from one that is there already.

Either that one is kept and brought up to date, or it stays and gets a layer over it. Nobody may
write to the files: it would change the repository's objects.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.objects import content_path
from engine.ostree import OSTree, run_blocking, translated
from engine.overlay import hide
from engine.repo import Repo
from engine.treebuilder import committed_tree


class KeptCheckout:
    """The files of a commit in a directory, as hardlinks to the objects of a bare repository."""

    def __init__(self, repo: Repo, path: Path) -> None:
        """path: on the repository's file system; a file beside it says which commit it holds."""
        self.path = path
        self._repo = repo
        self._state = path.with_name(f"{path.name}.commit")

    def update(self, commit: str, cancel: CancelToken) -> None:
        """Make the directory hold exactly this commit.

        What an interrupted update left is replaced as a whole. Raises OstreeError, Cancelled.
        """
        former = self._state.read_text().strip() if self._state.exists() else ""
        self._state.unlink(missing_ok=True)
        if former and self._repo.has_commit(former) and self.path.is_dir():
            if former != commit:
                with translated(f"update {self.path}"):
                    self._change(self._tree(former), self._tree(commit), self.path)
        else:
            self._replace(commit, cancel)
        self._state.write_text(commit)

    def _tree(self, commit: str) -> Any:
        return committed_tree(self._repo, commit)

    def _replace(self, commit: str, cancel: CancelToken) -> None:
        if self.path.exists():
            shutil.rmtree(self.path)
        options = OSTree.RepoCheckoutAtOptions()
        options.mode = OSTree.RepoCheckoutMode.NONE
        options.no_copy_fallback = True
        with translated(f"check out {commit} to {self.path}"):
            run_blocking(
                lambda native: self._repo.native.checkout_at(
                    options, -1, str(self.path), commit, native
                ),
                cancel,
            )

    def _change(self, old: Any, new: Any, folder: Path) -> None:
        """Turn folder from one tree into another; equal subtrees are not looked into."""
        old_files, new_files = old.get_files(), new.get_files()
        old_folders, new_folders = old.get_subdirs(), new.get_subdirs()
        for name in old_folders.keys() - new_folders.keys():
            shutil.rmtree(folder / name)
        for name, checksum in old_files.items():
            if new_files.get(name) != checksum:
                (folder / name).unlink()
        for name, checksum in new_files.items():
            if old_files.get(name) != checksum:
                _link(self._repo, checksum, folder / name)
        for name, subtree in new_folders.items():
            before = old_folders.get(name)
            if before is None:
                (folder / name).mkdir()
                self._change(OSTree.MutableTree.new(), subtree, folder / name)
                _set_metadata(self._repo, subtree, folder / name)
                continue
            if before.get_contents_checksum() != subtree.get_contents_checksum():
                self._change(before, subtree, folder / name)
            if before.get_metadata_checksum() != subtree.get_metadata_checksum():
                _set_metadata(self._repo, subtree, folder / name)
        os.utime(folder, (0, 0))


def cover(repo: Repo, old: Any, new: Any, folder: Path) -> None:
    """Make folder, which is empty, the layer of an overlay that turns one tree into another.

    old, new: OSTree.MutableTree. What is the same in both is not looked into. Raises OSError.
    """
    old_files, new_files = old.get_files(), new.get_files()
    old_folders, new_folders = old.get_subdirs(), new.get_subdirs()
    for name in (old_files.keys() | old_folders.keys()) - new_files.keys() - new_folders.keys():
        hide(folder / name)
    for name, checksum in new_files.items():
        if old_files.get(name) != checksum:
            _link(repo, checksum, folder / name)
    for name, subtree in new_folders.items():
        before = old_folders.get(name)
        if before is None or _checksums(before) != _checksums(subtree):
            (folder / name).mkdir()
            cover(repo, before or OSTree.MutableTree.new(), subtree, folder / name)
    _set_metadata(repo, new, folder)


def _checksums(tree: Any) -> tuple[str, str]:
    return tree.get_contents_checksum(), tree.get_metadata_checksum()


def _link(repo: Repo, checksum: str, target: Path) -> None:
    os.link(content_path(repo, checksum), target, follow_symlinks=False)


def _set_metadata(repo: Repo, tree: Any, folder: Path) -> None:
    """Owner and mode of a directory (a dirmeta object: big-endian numbers)."""
    kind = OSTree.ObjectType.DIR_META
    _ok, variant = repo.native.load_variant(kind, tree.get_metadata_checksum())
    uid, gid, mode = (
        int.from_bytes(variant.get_child_value(index).get_data_as_bytes().get_data(), "big")
        for index in range(3)
    )
    os.chown(folder, uid, gid)
    folder.chmod(stat.S_IMODE(mode))
    os.utime(folder, (0, 0))
