"""Packages that were unpacked into a repository, known without their RPM files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import PackageError
from engine.packages.importer import HEAD, HEAD_SHA256, REPODATA_CHECKSUM, UNPACK_VERSION
from engine.packages.model import PackageId
from engine.packages.rpmfile import RpmFile, cache_ref
from engine.repo import Repo


@dataclass(frozen=True)
class StoredPackage:
    """A package commit. repodata_checksum: as the repository that it came from names the RPM file
    ("sha256:..."); empty for a local file."""

    id: PackageId
    commit: str
    head_sha256: str
    repodata_checksum: str

    def open(self, repo: Repo, folder: Path) -> RpmFile:
        """The package's header; its file in folder holds what is left of the RPM file, enough for
        librpm and libsolv to know the package by. Raises PackageError."""
        head = repo.load_commit(self.commit).metadata[HEAD]
        path = folder / f"{self.id.nevra}.rpm"
        path.write_bytes(head)
        return RpmFile.open(path)


def stored_package(repo: Repo, package: PackageId) -> StoredPackage | None:
    """The package as the repository has it, whichever build of this version that is."""
    commit = repo.resolve(cache_ref(package))
    if commit is None or not repo.has_commit(commit):
        return None
    metadata = repo.load_commit(commit).metadata
    if HEAD not in metadata or metadata.get("rpmostree.unpack_version") != UNPACK_VERSION[0]:
        return None
    return StoredPackage(
        package,
        commit,
        str(metadata.get(HEAD_SHA256, "")),
        str(metadata.get(REPODATA_CHECKSUM, "")),
    )


def stored_local(repo: Repo, entry: str) -> StoredPackage:
    """The package of an origin's entry "SHA256:NEVRA". Raises PackageError when it is gone."""
    checksum, _colon, nevra = entry.partition(":")
    found = stored_package(repo, PackageId.parse(nevra))
    if found is None or found.head_sha256 != checksum:
        what = "is no longer in" if found is None else "was replaced by another build in"
        raise PackageError(
            f"The local package {nevra} {what} the repository {repo.path}.",
            "Install its file again, or uninstall it.",
        )
    return found
