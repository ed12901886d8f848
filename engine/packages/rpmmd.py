"""The metadata of RPM repositories (createrepo_c's repodata/), verified and cached.

`repodata/repomd.xml` is asked for each time; it names the other files with their checksums, and
those are got once. In the cache a repository has a folder `repomd/ID-HASH`, where a file is called
by its checksum; `engine.packages.pool` keeps libsolv's form of it there too.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    """A repository whose index is known. Its files are got when they are asked for."""

    def __init__(
        self,
        config: RepositoryConfig,
        index: RepositoryIndex,
        folder: Path,
        patience: Patience | None,
    ) -> None:
        self.config = config
        self.metadata = index.metadata
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
            if path.name.partition("-")[0] not in current:
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
) -> tuple[Repository, ...]:
    """Get index and package list of every repository, several at a time; in the order of configs.

    One that does not answer and has skip_if_unavailable is left out, with a warning. Raises
    NetworkError (which URL, and why), SignatureError, PackageError for damaged metadata, Cancelled.
    """
    loader = _Loader(cachedir, commands, patience)
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

    def load(self, config: RepositoryConfig, cancel: CancelToken, emit: Emit) -> Repository | None:
        """None when it does not answer and may be left out."""
        address = hashlib.sha256("\n".join(config.baseurls).encode()).hexdigest()
        name = re.sub(r"[^\w.-]", "_", config.id)
        folder = self.cachedir / "repomd" / f"{name}-{address[:12]}"
        try:
            with Transport(config, cancel, emit, self.patience) as transport:
                index = _first_index(config, transport, self.commands)
            repository = Repository(config, index, folder, self.patience)
            if not repository.solv_file("primary").exists():
                repository.file("primary", cancel)
        except FetchError as error:
            if config.skip_if_unavailable:
                text = f"The repository {config.id} is left out: {error.message}"
                emit(LogLine(text, level="warning"))
                return None
            hint = error.hint or "skip_if_unavailable=1 would go on without it."
            message = f"The repository {config.id} is not available: {error.message}"
            raise FetchError(message, hint, error.detail) from error
        repository.remove_stale_files()
        return repository


def _first_index(
    config: RepositoryConfig, transport: Transport, commands: Commands
) -> RepositoryIndex:
    """From the first baseurl that answers."""
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
            return _parsed(config, baseurl, content)
    raise errors[0]


def _parsed(config: RepositoryConfig, baseurl: str, content: bytes) -> RepositoryIndex:
    """Raises PackageError for what is no valid index of a repository."""
    where = without_password(baseurl + _INDEX)
    what = f"The repository {config.id} is damaged: {where}"
    hint = "Make its metadata again with createrepo_c."
    pool = solv.Pool()
    handle = pool.add_repo(config.id)
    with tempfile.NamedTemporaryFile(prefix="photree-repomd-", suffix=".xml") as file:
        file.write(content)
        file.flush()
        with closing(solv.xfopen(file.name)) as stream:
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
