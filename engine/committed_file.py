"""A single file of a commit."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.objects import content_path
from engine.ostree import translated
from engine.repo import Repo
from engine.treebuilder import committed_tree, directory_at

_CHUNK = 1 << 20


def file_object(repo: Repo, commit: str, path: str) -> str | None:
    """The checksum of the file or symbolic link at path ("usr/lib/os-release"); None for none.

    Links on the way are not followed. Raises OstreeError.
    """
    folder, _, name = path.rpartition("/")
    with translated(f"look for {path} in {commit}"):
        tree = committed_tree(repo, commit)
        found = directory_at(tree, folder) if folder else tree
        checksum = found.get_files().get(name) if found is not None else None
    return str(checksum) if checksum is not None else None


def read_object(repo: Repo, checksum: str) -> bytes:
    """The content of a regular file's object. Raises OstreeError."""
    with translated(f"read the object {checksum} of {repo.path}"):
        _ok, stream, _info, _xattrs = repo.native.load_file(checksum, None)
        if stream is None:
            return b""  # a symbolic link
        chunks = iter(lambda: bytes(stream.read_bytes(_CHUNK, None).get_data() or b""), b"")
        return b"".join(chunks)


def content_size(repo: Repo, checksum: str) -> int:
    """Bytes of a regular file's content. Raises OstreeError."""
    with translated(f"read the object {checksum} of {repo.path}"):
        _ok, _stream, info, _xattrs = repo.native.load_file(checksum, None)
    return int(info.get_size())


def copy_object(repo: Repo, checksum: str, target: Path) -> None:
    """A new file with the content of a regular file's object. Raises OstreeError, OSError."""
    if repo.mode == "bare":
        shutil.copyfile(content_path(repo, checksum), target)
    else:
        target.write_bytes(read_object(repo, checksum))


def read_file(repo: Repo, commit: str, path: str) -> bytes | None:
    """The content of a file; None when there is none. Raises OstreeError."""
    checksum = file_object(repo, commit, path)
    return read_object(repo, checksum) if checksum is not None else None


def read_text(repo: Repo, commit: str, path: str) -> str:
    """The text of a file; empty when there is none. Raises OstreeError."""
    return (read_file(repo, commit, path) or b"").decode()


def link_target(repo: Repo, checksum: str) -> str | None:
    """Where the symbolic link of this object points to; None for a regular file."""
    with translated(f"read the object {checksum} of {repo.path}"):
        _ok, _stream, info, _xattrs = repo.native.load_file(checksum, None)
    target = info.get_symlink_target()
    return str(target) if target else None
