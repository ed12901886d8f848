"""What upgraded packages say of their changes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.differences.packages import PackageChange
from engine.packages.base_database import BaseDatabase
from engine.packages.model import PackageId
from engine.repo import Repo


@dataclass(frozen=True)
class ChangelogEntry:
    """timestamp: seconds since 1970. author: "Jo <jo@example.com> 1.0-2"."""

    timestamp: int
    author: str
    text: str


@dataclass(frozen=True)
class PackageChangelog:
    """The entries that an upgrade brings, newest first. source: the source package, whose binary
    packages all have the same entries."""

    change: PackageChange
    source: str
    entries: tuple[ChangelogEntry, ...]


def read_changelogs(
    repo: Repo, old: str, new: str, changes: Sequence[PackageChange]
) -> tuple[PackageChangelog, ...]:
    """Of upgraded packages between two revisions, in the order of changes.

    Entries that the old package had already are left out; so are packages that a commit's rpm
    database does not have. Raises OstreeError, PackageError (no database in a commit).
    """
    if not changes:
        return ()
    before, after = _headers(repo, old), _headers(repo, new)
    return tuple(
        PackageChangelog(
            change,
            str(after[change.new]["sourcerpm"] or ""),
            tuple(_newer(_entries(after[change.new]), next(_entries(before[change.old]), None))),
        )
        for change in changes
        if change.old in before and change.new in after
    )


def _headers(repo: Repo, rev: str) -> dict[PackageId, Any]:
    with tempfile.TemporaryDirectory(prefix="photree-rpmdb-") as folder:
        database = BaseDatabase.of(repo, repo.require(rev), Path(folder))
    return {header.id: header.header for header in database.packages}


def _newer(
    entries: Iterator[ChangelogEntry], known: ChangelogEntry | None
) -> Iterator[ChangelogEntry]:
    """Up to the newest one that was known, as rpm-ostree decides it; none when nothing was."""
    if known is None:
        return
    for entry in entries:
        if entry.timestamp < known.timestamp or entry == known:
            return
        yield entry


def _entries(header: Any) -> Iterator[ChangelogEntry]:
    fields = (header[f"changelog{field}"] for field in ("time", "name", "text"))
    for timestamp, author, text in zip(*fields, strict=False):
        yield ChangelogEntry(int(timestamp), str(author), str(text))
