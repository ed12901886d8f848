"""The history of a ref, with what each commit changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from engine.differences.packages import PackageDifferences, package_changes
from engine.repo import Commit, Repo


@dataclass(frozen=True)
class LogEntry:
    """A commit. packages: against its parent, None when one of them has no list or the parent is
    not here. truncated: it has a parent that is not here."""

    commit: Commit
    packages: PackageDifferences | None = None
    truncated: bool = False

    @property
    def content_checksum(self) -> str:
        """Of the tree alone, as libostree makes it: equal for two commits with the same files."""
        trees = bytes.fromhex(self.commit.tree + self.commit.tree_meta)
        return hashlib.sha256(trees).hexdigest()


def read_log(repo: Repo, rev: str) -> Iterator[LogEntry]:
    """The commit and its ancestors, newest first, as far as they are here. Raises OstreeError."""
    commits = repo.log(rev)
    commit = next(commits, None)
    while commit is not None:
        parent = next(commits, None)
        truncated = parent is None and commit.parent is not None
        packages = package_changes(parent, commit) if parent is not None else None
        yield LogEntry(commit, packages, truncated)
        commit = parent
