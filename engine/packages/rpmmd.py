"""The metadata of RPM repositories (createrepo_c's repodata/), verified and cached.

`repodata/repomd.xml` is asked for each time, unless what is cached is taken for new enough. It
names the other files with their checksums; those are got once. In the cache a repository has a
folder `repomd/ID-HASH`, where a file is called by its checksum; `engine.packages.pool` keeps
libsolv's form of it there too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from urllib.parse import quote

import solv

from engine.cancel import CancelToken
from engine.command import Commands
from engine.errors import PackageError
from engine.events import Emit, LogLine
from engine.packages.download import Wanted, download
from engine.packages.keys import load_keys, verify_detached
from engine.packages.model import Checksum, RepositoryMetadata, without_password
from engine.packages.parallel import in_parallel
from engine.packages.repofiles import RepositoryConfig
from engine.packages.transport import FetchError, Patience, Transport

_INDEX = "repodata/repomd.xml"
_KINDS = ("primary", "filelists", "updateinfo", "group", "group_gz", "modules", "other")
_WORKERS = 4
_KEPT_INDEX = "index.json"


class Caching(Enum):
    """When what is known of a repository is used without asking its server."""

    NEVER = "never"
    FRESH = "fresh"  # while it is younger than the repository's metadata_expire
    ALWAYS = "always"  # also if it is old; a repository that is not known is an error


@dataclass(frozen=True)
class MetadataFile:
    """A file that repomd.xml names. kind: primary, filelists...; location: relative to the
    repository; timestamp: seconds since 1970."""

    kind: str
    location: str
    checksum: Checksum
    size: int | None
    timestamp: int


@dataclass(frozen=True)
class RepositoryIndex:
    """repomd.xml, read. baseurl: the one that gave it."""

    metadata: RepositoryMetadata
    files: dict[str, MetadataFile]
    baseurl: str


class Repository:
    """A repository whose index is known. Its files are got when they are asked for.

    cached: whether its server was not asked.
    """

    def __init__(
        self,
        config: RepositoryConfig,
        index: RepositoryIndex,
        folder: Path,
        patience: Patience | None,
        *,
        cached: bool = False,
    ) -> None:
        self.config = config
        self.metadata = index.metadata
        self.cached = cached
        self._index = index
        self._folder = folder
        self._patience = patience

    @property
    def id(self) -> str:
        return self.config.id

    @property
    def baseurls(self) -> tuple[str, ...]:
        """Where files are; the one that gave the index comes first, the others may lag behind."""
        return tuple(dict.fromkeys((self._index.baseurl, *self.config.baseurls)))

    def has(self, kind: str) -> bool:
        return kind in self._index.files

    def file(self, kind: str, cancel: CancelToken) -> Path:
        """The metadata file of this kind, its checksum verified.

        Raises NetworkError, SignatureError, PackageError when there is none, Cancelled.
        """
        if kind not in self._index.files:
            raise PackageError(
                f"The repository {self.id} has no {kind} metadata.",
                hint="Make its metadata again with createrepo_c.",
            )
        entry = self._index.files[kind]
        target = self._folder / _cache_name(entry)
        wanted = Wanted(
            what=f"The {kind} metadata of the repository {self.id}",
            urls=tuple(location_url(base, entry.location) for base in self.baseurls),
            checksum=entry.checksum,
            size=entry.size,
        )
        with Transport(self.config, cancel, patience=self._patience) as transport:
            download(wanted, target, transport, cancel, lambda _count: None)
        return target

    def solv_file(self, kind: str) -> Path:
        """Where libsolv's form of a metadata file is kept."""
        return self._folder / f"{self._index.files[kind].checksum.value}-{kind}.solv"

    def remove_stale_files(self) -> None:
        """Drop what belongs to former states of the repository."""
        current = {entry.checksum.value for entry in self._index.files.values()}
        for path in self._folder.iterdir():
            if path.name.partition("-")[0] not in current and path.name != _KEPT_INDEX:
                path.unlink(missing_ok=True)


def location_url(baseurl: str, location: str) -> str:
    """The URL of a file of a repository. Locations are plain text in what createrepo_c writes;
    where a repository has them quoted already they are taken as they are."""
    if re.match(r"[a-z]+://", location):
        return location
    quoted = re.search(r"%[0-9A-Fa-f]{2}", location)
    return baseurl + (location if quoted else quote(location, safe="/~+^@:=,!"))


def load_repositories(
    configs: Sequence[RepositoryConfig],
    cachedir: Path,
    commands: Commands,
    emit: Emit,
    cancel: CancelToken,
    *,
    patience: Patience | None = None,
    caching: Caching = Caching.NEVER,
    advice: str = "",
) -> tuple[Repository, ...]:
    """Get index and package list of every repository, several at a time; in the order of configs.

    One that does not answer and has skip_if_unavailable is left out, with a warning. advice: a hint
    for one that does not answer, with {id}. Raises NetworkError (which URL, and why),
    SignatureError, PackageError for damaged metadata, Cancelled.
    """
    loader = _Loader(cachedir, commands, patience, caching, advice)
    tasks = [partial(loader.load, config) for config in configs]
    loaded = in_parallel(tasks, _WORKERS, emit, cancel)
    repositories = tuple(repository for repository in loaded if repository is not None)
    if not repositories:
        raise PackageError(
            "None of the package repositories could be read.",
            hint="See the warnings above: each has skip_if_unavailable=1.",
        )
    return repositories


@dataclass(frozen=True)
class _Loader:
    cachedir: Path
    commands: Commands
    patience: Patience | None
    caching: Caching
    advice: str

    def load(self, config: RepositoryConfig, cancel: CancelToken, emit: Emit) -> Repository | None:
        """None when it does not answer and may be left out."""
        address = hashlib.sha256("\n".join(config.baseurls).encode()).hexdigest()
        name = re.sub(r"[^\w.-]", "_", config.id)
        folder = self.cachedir / "repomd" / f"{name}-{address[:12]}"
        try:
            repository = self._known(config, folder)
            if repository is None:
                repository = self._asked(config, folder, cancel, emit)
            elif not repository.solv_file("primary").exists():
                repository.file("primary", cancel)
        except FetchError as error:
            if config.skip_if_unavailable:
                text = f"The repository {config.id} is left out: {error.message}"
                emit(LogLine(text, level="warning"))
                return None
            message = f"The repository {config.id} is not available: {error.message}"
            raise FetchError(message, self._hint(config, error), error.detail) from error
        return repository

    def _known(self, config: RepositoryConfig, folder: Path) -> Repository | None:
        """From the cache, if it may be used."""
        if self.caching is Caching.NEVER:
            return None
        always = self.caching is Caching.ALWAYS
        kept = _kept_index(config, folder, math.inf if always else config.metadata_expire)
        if kept is not None:
            return Repository(config, kept, folder, self.patience, cached=True)
        if always:
            raise PackageError(
                f"Nothing is known of the repository {config.id} without asking its server.",
                "Run `photree refresh-md` first.",
            )
        return None

    def _asked(
        self, config: RepositoryConfig, folder: Path, cancel: CancelToken, emit: Emit
    ) -> Repository:
        with Transport(config, cancel, emit, self.patience) as transport:
            index, content = _first_index(config, transport, self.commands)
        repository = Repository(config, index, folder, self.patience)
        if not repository.solv_file("primary").exists():
            repository.file("primary", cancel)
        _keep_index(config, folder, index.baseurl, content)
        repository.remove_stale_files()
        emit(LogLine(f"Updating metadata for '{config.id}'... done"))
        return repository

    def _hint(self, config: RepositoryConfig, error: FetchError) -> str:
        if self.advice:
            return f"{error.hint} {self.advice.format(id=config.id)}".strip()
        return error.hint or "skip_if_unavailable=1 would go on without it."


def _kept_index(config: RepositoryConfig, folder: Path, expire: float) -> RepositoryIndex | None:
    """The index as the server gave it last, if that is less than expire seconds ago."""
    path = folder / _KEPT_INDEX
    try:
        age = time.time() - path.stat().st_mtime
        kept = json.loads(path.read_text())
        usable = kept["verified"] or not config.repo_gpgcheck
        if usable and (0 <= age < expire or expire == math.inf):
            return _parsed(config, kept["baseurl"], kept["repomd"].encode())
    except (OSError, ValueError, KeyError, TypeError, PackageError):
        pass  # there is none, or it is damaged: the server has it
    return None


def _keep_index(config: RepositoryConfig, folder: Path, baseurl: str, content: bytes) -> None:
    """For speed only: when it cannot be written, nothing is lost."""
    values = {"baseurl": baseurl, "verified": config.repo_gpgcheck}
    with contextlib.suppress(OSError, UnicodeDecodeError):
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{_KEPT_INDEX}.{os.getpid()}"
        temporary.write_text(json.dumps({**values, "repomd": content.decode()}))
        temporary.rename(folder / _KEPT_INDEX)


def _first_index(
    config: RepositoryConfig, transport: Transport, commands: Commands
) -> tuple[RepositoryIndex, bytes]:
    """From the first baseurl that answers, with its text."""
    errors: list[FetchError] = []
    for baseurl in config.baseurls:
        url = baseurl + _INDEX
        try:
            content = transport.read(url)
            if config.repo_gpgcheck:
                what = f"{without_password(url)} (repository {config.id})"
                keys = load_keys(config, transport.read)
                verify_detached(content, transport.read(url + ".asc"), keys, what, commands)
        except FetchError as error:
            errors.append(error)
        else:
            return _parsed(config, baseurl, content), content
    raise errors[0]


def _parsed(config: RepositoryConfig, baseurl: str, content: bytes) -> RepositoryIndex:
    """Raises PackageError for what is no valid index of a repository."""
    where = without_password(baseurl + _INDEX)
    what = f"The repository {config.id} is damaged: {where}"
    hint = "Make its metadata again with createrepo_c."
    pool = solv.Pool()
    handle = pool.add_repo(config.id)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        with closing(solv.xfopen_fd("repomd.xml", file.fileno())) as stream:
            valid = handle.add_repomdxml(stream, 0)
    if not valid:
        reason = pool.errstr.removeprefix("repo_repomdxml: ")
        raise PackageError(f"{what} is not valid XML: {reason}.", hint)
    try:
        files = {kind: entry for kind in _KINDS if (entry := _entry(handle, kind)) is not None}
    except PackageError as error:
        raise PackageError(f"{what}: {error.message}", error.hint) from None
    if "primary" not in files:
        raise PackageError(f"{what} names no primary metadata.", hint)
    metadata = RepositoryMetadata(
        id=config.id,
        timestamp=max(entry.timestamp for entry in files.values()),
        revision=handle.meta.lookup_str(solv.REPOSITORY_REVISION) or "",
        checksum=Checksum("sha256", hashlib.sha256(content).hexdigest()),
    )
    return RepositoryIndex(metadata, files, baseurl)


def _entry(handle: solv.Repo, kind: str) -> MetadataFile | None:
    found = handle.Dataiterator_meta(
        solv.REPOSITORY_REPOMD_TYPE, kind, solv.Dataiterator.SEARCH_STRING
    )
    found.prepend_keyname(solv.REPOSITORY_REPOMD)
    for match in found:
        at = match.parentpos()
        checksum = at.lookup_checksum(solv.REPOSITORY_REPOMD_CHECKSUM)
        location = at.lookup_str(solv.REPOSITORY_REPOMD_LOCATION)
        if checksum is None or not location:
            raise PackageError(f"the {kind} metadata has no checksum or location.")
        return MetadataFile(
            kind=kind,
            location=location,
            checksum=Checksum(checksum.typestr(), checksum.hex()),
            size=at.lookup_num(solv.REPOSITORY_REPOMD_SIZE) or None,
            timestamp=at.lookup_num(solv.REPOSITORY_REPOMD_TIMESTAMP),
        )
    return None


def _cache_name(entry: MetadataFile) -> str:
    """Ends as the location does: libsolv tells the compression by it."""
    suffixes = "".join(Path(entry.location).suffixes[-2:])
    return f"{entry.checksum.value}-{entry.kind}{suffixes}"


@contextlib.contextmanager
def closing(stream: solv.SolvFp | None) -> Iterator[solv.SolvFp]:
    """A file opened by libsolv, closed at the end. Raises PackageError when it is None."""
    if stream is None:
        raise PackageError("libsolv could not open a file of the package cache.")
    try:
        yield stream
    finally:
        stream.close()
