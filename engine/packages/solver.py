"""From a list of requests to the complete set of packages, by libsolv."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import solv

from engine.cancel import CancelToken
from engine.errors import PackageError, PlanError, Problem
from engine.events import Emit, LogLine
from engine.packages.explain import Explainer
from engine.packages.model import PackageRequest, Resolution
from engine.packages.nearby import meant
from engine.packages.pool import PackagePool
from engine.packages.rpmmd import Repository

_BY_NAME = (
    solv.Selection.SELECTION_NAME
    | solv.Selection.SELECTION_PROVIDES
    | solv.Selection.SELECTION_GLOB
    | solv.Selection.SELECTION_CANON
    | solv.Selection.SELECTION_DOTARCH
    | solv.Selection.SELECTION_REL
)
_BY_OWN_NAME = (
    solv.Selection.SELECTION_NAME
    | solv.Selection.SELECTION_CANON
    | solv.Selection.SELECTION_DOTARCH
)
_BY_FILE = solv.Selection.SELECTION_FILELIST | solv.Selection.SELECTION_GLOB
_WITH_REFUSED = solv.Selection.SELECTION_WITH_DISABLED | solv.Selection.SELECTION_WITH_BADARCH


class UnsolvableError(PlanError, PackageError):
    """The packages asked for cannot be had: a Problem for each one, with its place."""


@dataclass(frozen=True)
class Choice:
    """What a request may be fulfilled by. jobs: for the solver."""

    request: PackageRequest
    jobs: Sequence[solv.Job]
    solvables: Sequence[solv.XSolvable]


def resolve_packages(
    repositories: Sequence[Repository],
    requests: Sequence[PackageRequest],
    arch: str,
    emit: Emit,
    cancel: CancelToken,
    *,
    exclude: Mapping[str, str] | None = None,
    recommends: bool = True,
) -> Resolution:
    """The packages that fulfil the requests and all their dependencies, in installation order.

    arch: of the tree ("x86_64"). exclude: name globs that must not be taken, with the places that
    say so. recommends: take weak dependencies too. The result only depends on the arguments, not
    on the order of the requests. Raises UnsolvableError with every problem, PackageError for
    damaged metadata, and what getting a file list raises.
    """
    pool = PackagePool(repositories, arch, exclude or {}, cancel)
    ordered = sorted(set(requests), key=lambda request: (request.name, request.repo))
    chosen, missing = choose_all(pool, ordered)
    if missing:
        raise UnsolvableError("Packages that were asked for do not exist.", missing)
    cancel.check()
    solver = pool.native.Solver()
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, int(not recommends))
    found = solver.solve([job for choice in chosen for job in choice.jobs])
    cancel.check()
    if found:
        wanted = {s.id: choice.request for choice in chosen for s in choice.solvables}
        problems = Explainer(pool, wanted).explain(found)
        raise UnsolvableError("The packages cannot be installed together.", problems)
    transaction = solver.transaction()
    transaction.order()
    packages = tuple(pool.package(solvable) for solvable in transaction.steps())
    resolution = Resolution(packages, pool.metadata)
    emit(LogLine(f"packages chosen: {len(packages)}, {resolution.size} bytes"))
    return resolution


def choose_all(
    pool: PackagePool, requests: Sequence[PackageRequest]
) -> tuple[list[Choice], list[Problem]]:
    """What each request may be fulfilled by; a problem for each that nothing can fulfil."""
    chosen: list[Choice] = []
    problems: list[Problem] = []
    for request in requests:
        choice = _choose(pool, request)
        if choice is None:
            problems.append(_missing(pool, request, _BY_NAME))
        else:
            chosen.append(choice)
    return chosen, problems


def best_named(
    pool: PackagePool, requests: Sequence[PackageRequest]
) -> tuple[dict[PackageRequest, solv.XSolvable], list[Problem]]:
    """The best package of each request by priority, architecture and version; a problem for each
    that there is none of.

    The names are those of packages themselves ("name", "name.arch", "name-version-release.arch"),
    no capabilities and no globs; the pool's base and local packages do not count.
    """
    found: dict[PackageRequest, solv.XSolvable] = {}
    problems: list[Problem] = []
    for request in requests:
        named = _selection(pool, request, _BY_OWN_NAME).solvables()
        offered = [each for each in named if each.repo.name in pool.repository_ids]
        if offered:
            found[request] = pool.native.best_solvables(offered)[0]
        else:
            problems.append(_missing(pool, request, _BY_OWN_NAME))
    return found, problems


def _choose(pool: PackagePool, request: PackageRequest) -> Choice | None:
    if request.name.startswith("("):
        return _choose_rich(pool, request)
    is_path = request.name.startswith("/")
    selection = _selection(pool, request, _BY_FILE if is_path else _BY_NAME)
    if selection.isempty() and is_path:
        selection = _selection(pool, request, solv.Selection.SELECTION_PROVIDES)
    if selection.isempty():
        return None
    return Choice(request, selection.jobs(solv.Job.SOLVER_INSTALL), selection.solvables())


def _choose_rich(pool: PackagePool, request: PackageRequest) -> Choice | None:
    """A rich dependency: anything that fulfils it."""
    dependency = pool.native.parserpmrichdep(request.name)
    if dependency is None:
        return None
    how = solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE_PROVIDES
    providers = pool.native.whatprovides(dependency)
    if not providers:
        return None
    return Choice(request, [pool.native.Job(how, dependency.id)], providers)


def _selection(pool: PackagePool, request: PackageRequest, flags: int) -> solv.Selection:
    """Empty when there is no repository of the request's id."""
    handle = pool.handle(request.repo)
    if request.repo and handle is None:
        return pool.native.Selection()
    selection = pool.select(request.name, flags)
    if handle is not None and not selection.isempty():
        selection.filter(handle.Selection(solv.Job.SOLVER_SETREPO))
    return selection


def _missing(pool: PackagePool, request: PackageRequest, flags: int) -> Problem:
    """Why nothing can be chosen for the request. flags: how it was looked for."""
    name = request.name
    if request.repo and pool.handle(request.repo) is None:
        ids = pool.repository_ids
        known = meant(request.repo, ids) or f"there are: {', '.join(ids) or 'none'}"
        return Problem(request.where, f'{name}: there is no repository "{request.repo}"', known)
    if name.startswith(("(", "/")):
        return Problem(request.where, f"nothing provides {name}")
    refused = _selection(pool, request, flags | _WITH_REFUSED).solvables()
    for solvable in refused:
        if solvable.id in pool.excluded:
            return Problem(request.where, f"{solvable} is {pool.excluded[solvable.id]}")
    if refused:
        arches = ", ".join(sorted({solvable.arch for solvable in refused}))
        message = f"the package {name} is there for {arches}, not for {pool.arch}"
        return Problem(request.where, message)
    where = f"the repository {request.repo}" if request.repo else "any repository"
    others = ", ".join(_other_versions(pool, name))
    hint = f"there is {others}" if others else meant(name, pool.names(request.repo) - {name}, 3)
    return Problem(request.where, f"the package {name} is not in {where}", hint)


def _other_versions(pool: PackagePool, name: str) -> Iterator[str]:
    """Packages with the name but not the version that "name >= version" asks for."""
    plain = re.split("[<=>]", name, maxsplit=1)[0].strip()
    if plain != name:
        for solvable in pool.select(plain, solv.Selection.SELECTION_NAME).solvables():
            yield str(solvable)
