"""What a base tree and the changes that are asked for add up to, by libsolv.

The base tree's packages are locked: nothing but an override removes or replaces one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import solv

from engine.cancel import CancelToken
from engine.errors import PackageError
from engine.layering.changes import RepositoryReplacement
from engine.layering.local_packages import LocalPackage
from engine.packages.base_database import BaseDatabase
from engine.packages.explain import Explainer
from engine.packages.model import (
    PackageId,
    PackageRequest,
    RepositoryMetadata,
    ResolvedPackage,
)
from engine.packages.pool import PackagePool
from engine.packages.rpmmd import Repository
from engine.packages.solver import Choice, UnsolvableError, best_named, choose_all

_REMOVAL_HINT = "Remove those packages too, or replace the one they need."
_REPLACEMENT_HINT = "Enable its repository, or end the override: `override reset {name}`."
_BASE_HINT = (
    "Packages of the base tree stay as they are: upgrade the tree, or use `override replace` or "
    "`override remove`."
)
_POLICY = (  # a replacement is what was asked for, whatever it is
    solv.Solver.SOLVER_FLAG_ALLOW_DOWNGRADE,
    solv.Solver.SOLVER_FLAG_ALLOW_ARCHCHANGE,
    solv.Solver.SOLVER_FLAG_ALLOW_VENDORCHANGE,
)


@dataclass(frozen=True)
class Wanted:
    """Changes that the base tree does not have. removals: names of packages that it has;
    replacements, repository_replacements: packages that have the name of one it has."""

    requested: tuple[str, ...] = ()
    local: tuple[LocalPackage, ...] = ()
    replacements: tuple[LocalPackage, ...] = ()
    repository_replacements: tuple[RepositoryReplacement, ...] = ()
    removals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Solution:
    """packages: all that are new, in the order of installation. provided: requests that the base
    tree fulfils, with its packages. replacing: what the repositories have for their replacements;
    when the base tree has the very same, it stays. repositories: those that were looked at."""

    packages: tuple[LocalPackage | ResolvedPackage, ...]
    provided: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    replacing: Mapping[RepositoryReplacement, PackageId] = field(default_factory=dict)
    repositories: tuple[RepositoryMetadata, ...] = ()


class LayerResolver:
    """Knows the base tree and the local packages, and the repositories that were added."""

    def __init__(self, base: BaseDatabase, wanted: Wanted, arch: str, cancel: CancelToken) -> None:
        """arch: of the machine. Raises what `PackagePool` raises."""
        self._wanted = wanted
        self._cancel = cancel
        self._packages = (*wanted.replacements, *wanted.local)
        files = [package.rpm.path for package in self._packages]
        self._pool = PackagePool((), arch, {}, cancel, base=base, local=files)

    def add(self, repositories: Sequence[Repository]) -> None:
        """Raises what `PackagePool` raises."""
        self._pool.add(repositories)

    def solve(self, recommends: bool) -> Solution:
        """The packages that the changes and all their dependencies need beside the base tree.

        recommends: weak dependencies of new packages too. Raises UnsolvableError with every
        problem.
        """
        self._sort()
        requests = [PackageRequest(name) for name in sorted(set(self._wanted.requested))]
        choices, missing = choose_all(self._pool, requests)
        if missing:
            known = {choice.request.name for choice in choices}
            names = [request.name for request in requests if request.name not in known]
            raise UnsolvableError(f"Packages not found: {', '.join(names)}.", missing)
        self._cancel.check()
        solver = self._pool.native.Solver()
        solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, int(not recommends))
        for flag in _POLICY:
            solver.set_flag(flag, 1)
        found = solver.solve([*self._base_jobs(), *self._chosen_jobs(), *self._jobs(choices)])
        self._cancel.check()
        if found:
            self._raise(found, choices)
        provided = {
            choice.request.name: self._providers(choice)
            for choice in choices
            if not self._open_jobs(choice)
        }
        replacing = {
            each: self._pool.package(solvable).id for each, solvable in self._replacing.items()
        }
        return Solution(tuple(self._new(solver)), provided, replacing, self._pool.metadata)

    def _sort(self) -> None:
        """Which packages of the repositories are to come, which of the base tree's are to leave."""
        self._replacing = _replacing(self._pool, self._wanted.repository_replacements)
        present = {str(each) for each in self._pool.base}
        self._coming = [each for each in self._replacing.values() if str(each) not in present]
        names = {
            *self._wanted.removals,
            *(package.rpm.name for package in self._wanted.replacements),
            *(each.name for each in self._coming),
        }
        self._leaving = {each.id for each in self._pool.base if each.name in names}

    def _base_jobs(self) -> Iterator[solv.Job]:
        """What stays stays; what leaves may not come back from a repository."""
        coming = {each.name for each in (*self._pool.local, *self._coming)}
        for each in self._pool.base:
            if each.id not in self._leaving:
                yield self._job(solv.Job.SOLVER_LOCK, each)
            elif each.name not in coming:
                how = solv.Job.SOLVER_ERASE | solv.Job.SOLVER_SOLVABLE_NAME
                yield self._pool.native.Job(how, each.nameid)

    def _chosen_jobs(self) -> Iterator[solv.Job]:
        """For the packages of which no other build will do."""
        for each in (*self._pool.local, *self._coming):
            yield self._job(solv.Job.SOLVER_INSTALL, each)

    def _job(self, how: int, solvable: solv.XSolvable) -> solv.Job:
        return self._pool.native.Job(how | solv.Job.SOLVER_SOLVABLE, solvable.id)

    def _jobs(self, choices: Sequence[Choice]) -> Iterator[solv.Job]:
        for choice in choices:
            yield from self._open_jobs(choice)

    def _open_jobs(self, choice: Choice) -> list[solv.Job]:
        """Those that the base tree does not fulfil: none when the request is inactive."""
        return [job for job in choice.jobs if not any(map(self._stays, job.solvables()))]

    def _providers(self, choice: Choice) -> tuple[str, ...]:
        return tuple(str(each) for each in choice.solvables if self._stays(each))

    def _stays(self, solvable: solv.XSolvable) -> bool:
        return solvable.isinstalled() and solvable.id not in self._leaving

    def _new(self, solver: solv.Solver) -> Iterator[LocalPackage | ResolvedPackage]:
        """Raises PackageError if libsolv touched what it must not."""
        transaction = solver.transaction()
        transaction.order()
        local = dict(zip((each.id for each in self._pool.local), self._packages, strict=True))
        for each in transaction.steps():
            if each.isinstalled():
                if each.id not in self._leaving:
                    raise PackageError(f"{each} of the base tree would be removed.", _BASE_HINT)
            else:
                yield local[each.id] if each.id in local else self._pool.package(each)

    def _raise(self, found: Sequence[solv.Problem], choices: Sequence[Choice]) -> None:
        wanted = {s.id: choice.request for choice in choices for s in choice.solvables}
        for each in (*self._pool.local, *self._coming):
            wanted[each.id] = PackageRequest(str(each))
        problems = Explainer(self._pool, wanted, self._leaving).explain(found)
        if any("of the base tree requires" in problem.message for problem in problems):
            names = ", ".join(sorted(self._names_leaving()))
            raise UnsolvableError(
                f"The base tree needs what is to be removed or replaced: {names}.",
                problems,
                _REMOVAL_HINT,
            )
        hint = _BASE_HINT if any("the base tree" in each.message for each in problems) else ""
        raise UnsolvableError("The packages cannot be installed on this tree.", problems, hint)

    def _names_leaving(self) -> set[str]:
        return {each.name for each in self._pool.base if each.id in self._leaving}


def _replacing(
    pool: PackagePool, replacements: Sequence[RepositoryReplacement]
) -> dict[RepositoryReplacement, solv.XSolvable]:
    """What each repository has for the replacement. Raises UnsolvableError when it has nothing."""
    requests = {each: PackageRequest(each.name, repo=each.repo) for each in replacements}
    found, missing = best_named(pool, [*requests.values()])
    if missing:
        names = [each.name for each, request in requests.items() if request not in found]
        raise UnsolvableError(
            f"Packages that replace some of the base tree were not found: {', '.join(names)}.",
            missing,
            _REPLACEMENT_HINT.format(name=" ".join(names)),
        )
    return {each: found[request] for each, request in requests.items()}
