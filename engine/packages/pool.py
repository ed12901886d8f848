"""All packages of several repositories in libsolv's pool.

Package lists come from libsolv's own format when that was written for the same metadata before
(16,000 packages: 0.03 s instead of 1 s). File lists are only read when a file outside the usual
places (/etc, */bin, */sbin) is asked for, or required by some package.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import solv

from engine.cancel import CancelToken
from engine.errors import PackageError, PhotreeError
from engine.packages.base_database import BaseDatabase, database_folder
from engine.packages.model import Checksum, RepositoryMetadata, ResolvedPackage, split_evr
from engine.packages.rpmmd import Repository, closing, location_url

_EXTEND = solv.Repo.REPO_USE_LOADING | solv.Repo.REPO_EXTEND_SOLVABLES | solv.Repo.REPO_LOCALPOOL


class PackagePool:
    """Packages that can be asked for by name, and turned into ResolvedPackage.

    native: libsolv's pool; excluded: ids of packages that must not be taken, with the reason; base:
    the packages of the tree to add to; local: those of single files, in their order.
    """

    def __init__(
        self,
        repositories: Sequence[Repository],
        arch: str,
        exclude: Mapping[str, str],
        cancel: CancelToken,
        *,
        base: BaseDatabase | None = None,
        local: Sequence[Path] = (),
    ) -> None:
        """exclude: name globs of packages to leave out, with the place that says so. local: RPM
        files, of which libsolv reads the headers only.

        Raises PackageError for damaged metadata, and what getting a file list raises.
        """
        self.native = solv.Pool()
        self.native.setdisttype(solv.Pool.DISTTYPE_RPM)
        self.native.setarch(arch)
        self.native.set_loadcallback(self._load_stub)  # before there are stubs, or they are dead
        self.arch = arch
        self._cancel = cancel
        self._failure: PhotreeError | None = None
        self._repositories: dict[int, Repository] = {}
        self._handles: dict[str, solv.Repo] = {}
        self._exclude = exclude
        self.base = self._add_base(base) if base is not None else ()
        self.local = self._add_local(local)
        self.add(repositories)

    def add(self, repositories: Sequence[Repository]) -> None:
        """Further ones; selections and jobs that were made before are void. Raises as above."""
        for repository in repositories:
            self._cancel.check()
            self._add(repository)
        self.excluded = dict(self._excluded(self._exclude))
        if self.excluded:
            self.native.set_disabled_list(sorted(self.excluded))
        self._guarded(self.native.addfileprovides)
        self.native.createwhatprovides()

    @property
    def metadata(self) -> tuple[RepositoryMetadata, ...]:
        return tuple(repository.metadata for repository in self._repositories.values())

    @property
    def repository_ids(self) -> tuple[str, ...]:
        return tuple(self._handles)

    def handle(self, repo_id: str) -> solv.Repo | None:
        """libsolv's repository."""
        return self._handles.get(repo_id)

    def names(self, repo_id: str = "") -> set[str]:
        """Of all packages, or of a repository's, excluded ones too."""
        handle = self.handle(repo_id)
        solvables = self.native.solvables if handle is None else handle.solvables
        return {solvable.name for solvable in solvables}

    def select(self, text: str, flags: int) -> solv.Selection:
        """libsolv's selection; file lists are got when it needs them."""
        return self._guarded(lambda: self.native.select(text, flags))

    def package(self, solvable: solv.XSolvable) -> ResolvedPackage:
        repository = self._repositories[solvable.repo.id]
        location, _medium = solvable.lookup_location()
        checksum = solvable.lookup_checksum(solv.SOLVABLE_CHECKSUM)
        if not location or checksum is None:
            raise PackageError(
                f"The repository {repository.id} does not say where {solvable} is, "
                "or has no checksum of it.",
                hint="Make its metadata again with createrepo_c.",
            )
        other_base = solvable.lookup_str(solv.SOLVABLE_MEDIABASE)
        bases = (other_base.rstrip("/") + "/",) if other_base else repository.baseurls
        epoch, version, release = split_evr(solvable.evr)
        return ResolvedPackage(
            name=solvable.name,
            epoch=epoch,
            version=version,
            release=release,
            arch=solvable.arch,
            repo_id=repository.id,
            location=location,
            urls=tuple(location_url(base, location) for base in bases),
            checksum=Checksum(checksum.typestr(), checksum.hex()),
            size=solvable.lookup_num(solv.SOLVABLE_DOWNLOADSIZE),
            installed_size=solvable.lookup_num(solv.SOLVABLE_INSTALLSIZE),
        )

    def _add_base(self, base: BaseDatabase) -> tuple[solv.XSolvable, ...]:
        handle = self.native.add_repo("@base")
        with database_folder(base.folder):
            if not handle.add_rpmdb(0):
                raise PackageError(
                    f"libsolv cannot read the base tree's rpm database: {self.native.errstr}."
                )
        self.native.installed = handle
        return tuple(handle.solvables)

    def _add_local(self, paths: Sequence[Path]) -> tuple[solv.XSolvable, ...]:
        handle = self.native.add_repo("@local")
        found = tuple(handle.add_rpm(str(path), 0) for path in paths)
        for path, solvable in zip(paths, found, strict=True):
            if solvable is None:
                raise PackageError(f"libsolv cannot read {path.name}: {self.native.errstr}.")
        return found

    def _add(self, repository: Repository) -> None:
        handle = self.native.add_repo(repository.id)
        handle.priority = -repository.config.priority  # libsolv: more is better
        handle.subpriority = -repository.config.cost
        self._repositories[handle.id] = repository
        self._handles[repository.id] = handle
        self._read(
            repository,
            "primary",
            lambda stream: handle.add_solv(stream, 0),
            lambda stream: handle.add_rpmmd(stream, None, 0),
            handle.write,
        )
        if repository.has("filelists"):
            self._announce_file_lists(handle)

    def _announce_file_lists(self, handle: solv.Repo) -> None:
        """A stub that makes libsolv call _load_stub when it looks for a file."""
        data = handle.add_repodata(0)
        data.extend_to_repo()  # the stub covers all packages
        stub = data.new_handle()
        data.set_poolstr(stub, solv.REPOSITORY_REPOMD_TYPE, "filelists")
        data.add_idarray(stub, solv.REPOSITORY_KEYS, solv.SOLVABLE_FILELIST)
        data.add_idarray(stub, solv.REPOSITORY_KEYS, solv.REPOKEY_TYPE_DIRSTRARRAY)
        data.add_flexarray(solv.SOLVID_META, solv.REPOSITORY_EXTERNAL, stub)
        data.internalize()
        handle.create_stubs()

    def _load_stub(self, data: solv.XRepodata) -> bool:
        """Called by libsolv, which swallows exceptions: a failure is kept for `_guarded`."""
        repository = self._repositories[data.repo.id]
        try:
            self._read(
                repository,
                "filelists",
                lambda stream: data.repo.add_solv(stream, _EXTEND),
                lambda stream: data.repo.add_rpmmd(stream, "FL", _EXTEND),
                data.write,
            )
        except PhotreeError as error:
            self._failure = self._failure or error
            return False
        return True

    def _guarded(self, action: Callable[[], Any]) -> Any:
        """What action returns; raises what went wrong in a callback meanwhile."""
        result = action()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return result

    def _read(
        self,
        repository: Repository,
        kind: str,
        add_cached: Callable[[solv.SolvFp], bool],
        add: Callable[[solv.SolvFp], bool],
        write: Callable[[solv.SolvFp], bool],
    ) -> None:
        cached = repository.solv_file(kind)
        if cached.exists():
            with closing(solv.xfopen(str(cached))) as stream:
                if add_cached(stream):
                    return
            cached.unlink()  # damaged, or of another version of libsolv
        with closing(solv.xfopen(str(repository.file(kind, self._cancel)))) as stream:
            if not add(stream):
                raise PackageError(
                    f"The {kind} metadata of the repository {repository.id} is damaged: "
                    f"{self.native.errstr}.",
                    hint="Make it again with createrepo_c.",
                )
        _write_atomically(cached, write)

    def _excluded(self, exclude: Mapping[str, str]) -> Iterator[tuple[int, str]]:
        """The ids of packages that must not be taken, each with the reason."""
        for handle_id, repository in self._repositories.items():
            config = repository.config
            if not (exclude or config.excludes or config.includes):
                continue
            for solvable in self.native.id2repo(handle_id).solvables:
                if reason := _reason(solvable, exclude, config.excludes, config.includes):
                    yield solvable.id, reason


def _reason(
    solvable: solv.XSolvable,
    exclude: Mapping[str, str],
    excludes: Sequence[str],
    includes: Sequence[str],
) -> str:
    """Why a package is excluded, or ""."""
    forms = (solvable.name, f"{solvable.name}.{solvable.arch}", str(solvable))

    def matches(pattern: str) -> bool:
        return any(fnmatch.fnmatchcase(form, pattern) for form in forms)

    for pattern, place in exclude.items():
        if matches(pattern):
            return f"excluded at {place}"
    repo = solvable.repo.name
    for pattern in excludes:
        if matches(pattern):
            return f"excluded by excludepkgs={pattern} of the repository {repo}"
    if includes and not any(map(matches, includes)):
        return f"not among includepkgs of the repository {repo}"
    return ""


def _write_atomically(path: Path, write: Callable[[solv.SolvFp], bool]) -> None:
    """The cache is only for speed: when it cannot be written, nothing is lost."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with closing(solv.xfopen(str(temporary), "w")) as stream:
            written = write(stream)
        if written:
            temporary.rename(path)
    except (OSError, PackageError):
        return
    finally:
        temporary.unlink(missing_ok=True)
