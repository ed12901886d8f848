"""What an installation will transfer: the commit, its version and its size. Loads libostree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.cancel import CancelToken
from engine.repo import Repo
from installer.branches import Branch
from installer.custom_source import verified
from installer.plan import Source


def measure_source(source: Source, cancel: CancelToken) -> Branch:
    """As far as it can be known before: a tar file is not looked into, its own size counts.

    Raises NetworkError, OstreeError, SignatureError, Cancelled.
    """
    if source.archive is not None:
        return Branch(source.ref, source.commit or "", size=source.archive.stat().st_size)
    parts = urlsplit(source.url)
    if parts.scheme == "file":
        return _local(Path(unquote(parts.path)), source)
    # Only a remote whose updates come from the same place has the key for what is transferred.
    remote = source.remote
    key = remote.gpg_key if remote.gpg_verify and remote.url == source.url else None
    return verified(source.url, source.ref, key, cancel, commit=source.commit)


def _local(folder: Path, source: Source) -> Branch:
    repo = Repo.open(folder)
    commit = repo.load_commit(source.commit or source.ref)
    found = Branch(source.ref, commit.checksum, commit.version or "", commit.timestamp)
    if commit.partial:
        return found
    return replace(found, size=repo.commit_size(commit.checksum).stored)
