"""Which packages of the RPM repositories a user means, before an origin says so."""

from __future__ import annotations

from collections.abc import Sequence

from engine.cancel import CancelToken
from engine.events import Emit
from engine.layering.sources import NO_REPOSITORY, PackageSources
from engine.packages.model import PackageRequest, ResolvedPackage
from engine.packages.pool import PackagePool
from engine.packages.solver import UnsolvableError, best_named


def find_candidates(
    sources: PackageSources,
    words: Sequence[str],
    repo: str,
    emit: Emit,
    cancel: CancelToken,
    *,
    arch: str,
) -> tuple[ResolvedPackage, ...]:
    """The best package for each word, in order; see `best_named` for what words may be.

    repo: the id of the repository to take them from, "" for any. arch: of the machine. Raises
    UnsolvableError (not found: near names), NetworkError, SignatureError, PackageError, Cancelled.
    """
    pool = PackagePool(sources.load(emit, cancel), arch, {}, cancel)
    requests = [PackageRequest(word, repo=repo) for word in words]
    found, missing = best_named(pool, requests)
    if missing:
        names = [request.name for request in requests if request not in found]
        hint = "" if pool.repository_ids else NO_REPOSITORY
        raise UnsolvableError(f"Packages not found: {', '.join(names)}.", missing, hint)
    return tuple(pool.package(found[request]) for request in requests)
