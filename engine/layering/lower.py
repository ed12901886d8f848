"""The new tree as files that nobody writes to: what package scripts find below their own changes.

A deployment's directory is taken as it is, and covered where its tree differs: neither is the base
tree checked out nor walked. Only where nothing is deployed is there a checkout.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.checkout import cover
from engine.ostree import Gio, OSTree, run_blocking, translated
from engine.overlay import OPAQUE, OverlayTree, hide
from engine.repo import Repo
from engine.treebuilder import committed_tree, root_checksums
from engine.workplace import Workplace

_QUERIED = "standard::*,unix::*"  # OSTREE_GIO_FAST_QUERYINFO needs no more
_USR = "usr"


def overlay_on(
    repo: Repo,
    written: Any,
    place: Workplace,
    *,
    base: str,
    deployed: Mapping[str, Path],
    cancel: CancelToken,
) -> OverlayTree:
    """An overlay without changes of the tree of written, an OSTree.RepoFile.

    base: the commit that the tree was made from. deployed: commits with the directories they are
    deployed in, which must stay while the overlay is used. Raises OstreeError, OSError, Cancelled.
    """
    below = _most_similar(repo, base, deployed)
    if below is None:
        _check_out(repo, written, place.lower, cancel)
        return place.tree()
    place.lower.mkdir()
    with translated(f"put the tree together in {place.lower}"):
        new = OSTree.MutableTree.new_from_checksum(repo.native, *root_checksums(written))
        _cover_deployment(repo, deployed[below], committed_tree(repo, below), new, place.lower)
    return place.tree(deployed[below])


def _most_similar(repo: Repo, base: str, deployed: Mapping[str, Path]) -> str | None:
    """The base itself, what else was made from it, or any."""
    usable = [
        commit
        for commit, path in deployed.items()
        if (path / _USR).is_dir() and repo.has_commit(commit)
    ]
    if base in usable:
        return base
    layered = [commit for commit in usable if repo.load_commit(commit).parent == base]
    return next(iter([*layered, *usable]), None)


def _cover_deployment(repo: Repo, deployment: Path, old: Any, new: Any, folder: Path) -> None:
    """old, new: trees of the deployment's commit and of what is to be seen.

    Beside /usr a deployment has what is the machine's: /etc, marks of libostree.
    """
    known = OSTree.MutableTree.new()
    usr = old.get_subdirs().get(_USR)
    if usr is not None:
        _ok, there = known.ensure_dir(_USR)
        there.fill_empty_from_dirtree(
            repo.native, usr.get_contents_checksum(), usr.get_metadata_checksum()
        )
    cover(repo, known, new, folder)
    for entry in deployment.iterdir():
        place = folder / entry.name
        if not os.path.lexists(place):
            if entry.name != _USR:
                hide(place)
        elif entry.name != _USR and place.is_dir() and not place.is_symlink():
            os.setxattr(place, OPAQUE, b"y")


def _check_out(repo: Repo, written: Any, target: Path, cancel: CancelToken) -> None:
    flags = Gio.FileQueryInfoFlags.NOFOLLOW_SYMLINKS
    place = Gio.File.new_for_path(str(target))
    with translated(f"check the tree out to {target}"):
        info = written.query_info(_QUERIED, flags, None)
        run_blocking(
            lambda native: repo.native.checkout_tree(
                OSTree.RepoCheckoutMode.NONE,
                OSTree.RepoCheckoutOverwriteMode.NONE,
                place,
                written,
                info,
                native,
            ),
            cancel,
        )
