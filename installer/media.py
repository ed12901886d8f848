"""The OSTree repository on the installer's media."""

from __future__ import annotations

from pathlib import Path

_DIRECTORIES = ("repo", "ostree/repo", ".")
_ARCHIVES = ("ostree-repo.tar.gz", "ostree-repo.tar.zst", "ostree-repo.tar.xz", "ostree-repo.tar")
ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst")


def find_repository(media: Path) -> Path | None:
    """The repository's directory or tar file in a mounted medium, None if there is none."""
    for name in _DIRECTORIES:
        if is_repository(media / name):
            return media / name
    return next((media / name for name in _ARCHIVES if (media / name).is_file()), None)


def is_repository(folder: Path) -> bool:
    return (folder / "config").is_file() and (folder / "objects").is_dir()


def is_archive(path: Path) -> bool:
    return path.is_file() and path.name.endswith(ARCHIVE_SUFFIXES)


def local_refs(repository: Path) -> list[str]:
    """The branches of a repository directory, without opening it."""
    heads = repository / "refs" / "heads"
    return sorted(str(path.relative_to(heads)) for path in heads.rglob("*") if path.is_file())


def has_commit(repository: Path, commit: str) -> bool:
    return (repository / "objects" / commit[:2] / f"{commit[2:]}.commit").is_file()
