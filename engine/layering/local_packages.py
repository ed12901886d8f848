"""RPM files that an administrator brings: unpacked into the repository, then known by their header.

The file itself is not needed any more; an origin names the package "SHA256:NEVRA".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import rpm

from engine.cancel import CancelToken
from engine.errors import PackageError
from engine.events import Emit
from engine.packages.importer import PackageCache, UnpackOptions
from engine.packages.model import Checksum, ResolvedPackage
from engine.packages.rpmfile import RpmFile
from engine.packages.stored import StoredPackage, stored_local
from engine.packages.verify import verify_packages
from engine.repo import Repo

_COMPATIBLE = {"x86_64": ("i386", "i486", "i586", "i686"), "aarch64": ()}


@dataclass(frozen=True)
class LocalPackage:
    """A local package that the repository has. entry: as in an origin."""

    entry: str
    rpm: RpmFile
    stored: StoredPackage


def import_local(
    repo: Repo, paths: Sequence[Path], emit: Emit, cancel: CancelToken, *, arch: str
) -> tuple[str, ...]:
    """Unpack RPM files into the repository; their entries for an origin, in order.

    arch: of the machine ("x86_64"). Nothing is imported when one of the files cannot be used.
    Raises PackageError naming the file (no RPM, a source package, another architecture, one that
    nothing could be made of), SignatureError for a damaged one, Cancelled.
    """
    packages = [_usable(path, arch) for path in paths]
    described = [_described(package) for package in packages]
    verify_packages(described, paths, {"": None}, emit, cancel)
    PackageCache(repo, UnpackOptions()).import_packages(packages, emit, cancel)
    return tuple(entry_of(package) for package in packages)


def entry_of(package: RpmFile) -> str:
    """What an origin calls the package."""
    return f"{package.head_sha256}:{package.nevra}"


def open_local(repo: Repo, entries: Iterable[str], folder: Path) -> tuple[LocalPackage, ...]:
    """The packages of an origin's entries; what libsolv and librpm read of them is put into folder.

    Raises PackageError when one is no longer in the repository.
    """
    found = []
    for entry in entries:
        stored = stored_local(repo, entry)
        found.append(LocalPackage(entry, stored.open(repo, folder), stored))
    return tuple(found)


def _usable(path: Path, arch: str) -> RpmFile:
    try:
        package = RpmFile.open(path)
    except PackageError as error:
        reason = "it does not exist" if not path.exists() else "it is not an RPM package"
        raise PackageError(
            f"{path} cannot be installed: {reason}.",
            "Give the path or URL of a file that ends in .rpm, or a package's name.",
            error.message,
        ) from error
    if package.header.isSource():
        raise PackageError(
            f"{path} cannot be installed: it is a source package.",
            "Build it with rpmbuild, and install the package that comes out.",
        )
    if package.arch not in ("noarch", arch, *_COMPATIBLE.get(arch, ())):
        raise PackageError(
            f"{path} cannot be installed: it is for {package.arch}, this machine is {arch}.",
            f"Get the package for {arch}.",
        )
    return package


def _described(package: RpmFile) -> ResolvedPackage:
    """The package as what is verified: its own header says what its payload must be."""
    size = package.path.stat().st_size
    return ResolvedPackage(
        name=package.name,
        epoch=package.epoch,
        version=package.version,
        release=package.release,
        arch=package.arch,
        repo_id="",
        location=package.path.name,
        urls=(package.path.absolute().as_uri(),),
        checksum=Checksum("sha256", package.head_sha256),
        size=size,
        installed_size=int(package.header[rpm.RPMTAG_LONGSIZE] or 0),
    )
