"""Downloads packages into a cache: several at a time, checksums verified, resumed after a break.

A file of a file: repository is used where it is, once its checksum was verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath

from engine.cancel import CancelToken
from engine.errors import SignatureError
from engine.events import Emit
from engine.packages.download import Wanted, download, file_checksum
from engine.packages.keys import load_keys
from engine.packages.model import Resolution, ResolvedPackage
from engine.packages.parallel import ByteCounter, in_parallel
from engine.packages.repofiles import RepositoryConfig
from engine.packages.transport import CONNECTIONS, FetchError, Patience, Transport, file_path
from engine.packages.verify import verify_packages


def fetch_packages(
    resolution: Resolution,
    configs: Sequence[RepositoryConfig],
    cachedir: Path,
    emit: Emit,
    cancel: CancelToken,
    *,
    step: str = "download",
    patience: Patience | None = None,
) -> list[Path]:
    """The files of all packages, downloaded where needed and verified; in the same order.

    configs: of the repositories in resolution. step: the name in progress events. Raises
    NetworkError, SignatureError (checksum, signature), PackageError (the cache cannot be written),
    Cancelled. What was got until then stays in the cache.
    """
    by_id = {config.id: config for config in configs}
    used = {package.repo_id: by_id[package.repo_id] for package in resolution.packages}
    with _transports(used, cancel, emit, patience) as transports:
        keys = {
            repo_id: load_keys(config, transports[repo_id].read) if config.gpgcheck else None
            for repo_id, config in used.items()
        }
        counter = ByteCounter(resolution.size, emit, step)
        folder = cachedir / "packages"
        tasks = [
            partial(_get, package, folder, transports[package.repo_id], counter)
            for package in resolution.packages
        ]
        paths = in_parallel(tasks, CONNECTIONS, emit, cancel, counter.report)
    verify_packages(resolution.packages, paths, keys, emit, cancel)
    return paths


def _get(
    package: ResolvedPackage,
    folder: Path,
    transport: Transport,
    counter: ByteCounter,
    cancel: CancelToken,
    _emit: Emit,
) -> Path:
    what = f"The package {package.nevra} of the repository {package.repo_id}"
    local = file_path(package.url)
    if local is not None and len(package.urls) == 1:
        _check_local(what, package, local, cancel)
        counter.add(package.size)
        return local
    name = PurePosixPath(package.location).name
    target = folder / f"{package.checksum.value}-{name}"
    wanted = Wanted(what, package.urls, package.checksum, package.size or None)
    download(wanted, target, transport, cancel, counter.add)
    return target


def _check_local(what: str, package: ResolvedPackage, path: Path, cancel: CancelToken) -> None:
    try:
        found = file_checksum(path, package.checksum.kind, cancel)
    except FileNotFoundError:
        hint = "Is the medium mounted? Was the package removed after the metadata was made?"
        raise FetchError(f"{what} is missing: there is no file {path}.", hint) from None
    except OSError as error:
        raise FetchError(f"{what} cannot be read from {path}: {error.strerror}.") from error
    if found != package.checksum:
        raise SignatureError(
            f"{what} has a wrong checksum: {package.url} has {found}, expected {package.checksum}.",
            hint="The file was changed after the metadata was made: run createrepo_c again.",
        )


@contextmanager
def _transports(
    configs: Mapping[str, RepositoryConfig],
    cancel: CancelToken,
    emit: Emit,
    patience: Patience | None,
) -> Iterator[dict[str, Transport]]:
    with ExitStack() as stack:
        yield {
            repo_id: stack.enter_context(Transport(config, cancel, emit, patience))
            for repo_id, config in configs.items()
        }
