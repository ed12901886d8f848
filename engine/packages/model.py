"""The values that packages are described by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from engine.errors import PackageError

_KINDS = ("sha224", "sha256", "sha384", "sha512")


def format_evr(epoch: int, version: str, release: str) -> str:
    """[epoch:]version-release; no epoch when it is 0, as rpm prints it."""
    return f"{epoch}:{version}-{release}" if epoch else f"{version}-{release}"


@dataclass(frozen=True, order=True)
class PackageId:
    """Which package, in which version."""

    name: str
    epoch: int
    version: str
    release: str
    arch: str

    @classmethod
    def parse(cls, nevra: str) -> PackageId:
        """From name-[epoch:]version-release.arch. Raises PackageError for another text."""
        rest, _dot, arch = nevra.rpartition(".")
        name, evr_dash, release = rest.rpartition("-")
        name, dash, version = name.rpartition("-")
        if not (name and dash and evr_dash and version and release and arch):
            raise PackageError(f"{nevra!r} is no name-version-release.arch of a package.")
        return cls(name, *split_evr(f"{version}-{release}"), arch)

    @property
    def evr(self) -> str:
        return format_evr(self.epoch, self.version, self.release)

    @property
    def nevra(self) -> str:
        return f"{self.name}-{self.evr}.{self.arch}"

    def __str__(self) -> str:
        return self.nevra


@dataclass(frozen=True)
class Checksum:
    """kind: one of sha224, sha256, sha384, sha512. value: lowercase hexadecimal digits."""

    kind: str
    value: str

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise PackageError(
                f"Checksums of the kind {self.kind} are not safe.",
                hint="Make the repository's metadata again with createrepo_c (SHA-256).",
            )

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    def hasher(self) -> hashlib._Hash:
        """A new hash object of this kind."""
        return hashlib.new(self.kind)


@dataclass(frozen=True)
class PackageRequest:
    """A package that must be in the tree.

    name: a name, "name.arch", "name-version-release.arch", "name >= version", a provided
    capability, a path, a glob of names or a rich dependency. where: the place in the treefile, for
    messages. repo: the id of the repository it must come from, or "" for any.
    """

    name: str
    where: str = ""
    repo: str = ""


@dataclass(frozen=True)
class ResolvedPackage:
    """A package of a repository that belongs into the tree.

    location: as in the metadata, relative to urls. urls: where the file is, best first (file:,
    http: or https:). size: of the file, in bytes; installed_size: of what is in it.
    """

    name: str
    epoch: int
    version: str
    release: str
    arch: str
    repo_id: str
    location: str
    urls: tuple[str, ...]
    checksum: Checksum
    size: int
    installed_size: int = 0

    @property
    def id(self) -> PackageId:
        return PackageId(self.name, self.epoch, self.version, self.release, self.arch)

    @property
    def evr(self) -> str:
        return self.id.evr

    @property
    def nevra(self) -> str:
        return self.id.nevra

    @property
    def url(self) -> str:
        return self.urls[0]


@dataclass(frozen=True)
class RepositoryMetadata:
    """What a repository says of itself.

    timestamp: the newest of its metadata files in seconds since 1970, what rpm-ostree records as
    `rpmostree.rpmmd-repos`. checksum: SHA-256 of repomd.xml.
    """

    id: str
    timestamp: int
    revision: str
    checksum: Checksum


@dataclass(frozen=True)
class Resolution:
    """packages: in the order in which they can be installed (requirements of scriptlets first).

    The order is the same for the same requests and repositories.
    """

    packages: tuple[ResolvedPackage, ...]
    repositories: tuple[RepositoryMetadata, ...]

    @property
    def size(self) -> int:
        """Bytes of all package files."""
        return sum(package.size for package in self.packages)

    @property
    def installed_size(self) -> int:
        return sum(package.installed_size for package in self.packages)


def without_password(url: str) -> str:
    """url as it may be shown."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]))


def split_evr(evr: str) -> tuple[int, str, str]:
    """(epoch, version, release) of [epoch:]version[-release]."""
    epoch, colon, rest = evr.partition(":")
    if not colon or not epoch.isdigit():
        epoch, rest = "0", evr
    version, _dash, release = rest.partition("-")
    return int(epoch), version, release
