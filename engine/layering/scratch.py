"""The one place in a system's repository where trees are made, on its file system, for links."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import PackageError
from engine.repo import Repo
from engine.workplace import Workplace

# rpm-ostree's own; nobody else may look in: files of other users lie there with their bits
_PRIVATE = "extensions/rpmostree/private"


@contextmanager
def scratch(repo: Repo) -> Iterator[Workplace]:
    """Empty directories, gone at the end; what a killed run left goes first.

    Their names are new each time: a program that a killed run had started, and that begins only
    now, finds nothing under the names it was given. Raises PackageError when another process is
    layering in this repository.
    """
    private = repo.path / _PRIVATE
    private.mkdir(parents=True, exist_ok=True)
    private.chmod(0o700)
    descriptor = os.open(private / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, repo)
        root = private / "commit"
        _clear(root)
        place = Workplace(root / secrets.token_hex(8))
        place.make()
        try:
            yield place
        finally:
            _clear(root)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, repo: Repo) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PackageError(
            f"Packages are being layered in {repo.path} by another process.", "Wait for it to end."
        ) from error


def _clear(root: Path) -> None:
    for cachedir in root.glob("*"):
        Workplace(cachedir).clear()
    if root.exists():
        shutil.rmtree(root)
