"""Why libsolv found no solution, in the words of a packager: the chain from what was asked for.

libsolv finds a problem for every request that fails, and a rule for every requirement that plays a
part; one missing library gives hundreds. They are told once for each cause, by the shortest chain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import solv

from engine.errors import Problem
from engine.packages.model import PackageRequest
from engine.packages.pool import PackagePool

_REQUIRES = solv.Solver.SOLVER_RULE_PKG_REQUIRES
_NOTHING_PROVIDES = solv.Solver.SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP
_NOT_INSTALLABLE = solv.Solver.SOLVER_RULE_PKG_NOT_INSTALLABLE
_CONFLICTS = solv.Solver.SOLVER_RULE_PKG_CONFLICTS
_SELF_CONFLICT = solv.Solver.SOLVER_RULE_PKG_SELF_CONFLICT
_SAME_NAME = solv.Solver.SOLVER_RULE_PKG_SAME_NAME
_OBSOLETES = (
    solv.Solver.SOLVER_RULE_PKG_OBSOLETES,
    solv.Solver.SOLVER_RULE_PKG_IMPLICIT_OBSOLETES,
)


@dataclass(frozen=True)
class _Link:
    """solvable requires dependency; providers: ids of the packages that could fulfil it."""

    solvable: solv.XSolvable
    dependency: str
    providers: tuple[int, ...]


@dataclass(frozen=True)
class _Culprit:
    """Where a chain ends. cause: what many may have in common. parties: ids of the packages that
    it is about; text: ends the sentence."""

    cause: str
    parties: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class _Chain:
    """The requirements that lead from a request to a package, none when it was asked for itself."""

    steps: tuple[str, ...] = ()
    request: PackageRequest | None = None


@dataclass
class _Cause:
    """The best sentence so far (by rank), and everybody who suffers."""

    rank: tuple[int, bool, int, str]
    where: str
    requests: set[PackageRequest] = field(default_factory=set)


class Explainer:
    """Explains the problems of one solver run. wanted: the requests by the ids of the packages
    that would fulfil them. leaving: ids of the base tree's packages that are to be removed or
    replaced."""

    def __init__(
        self,
        pool: PackagePool,
        wanted: Mapping[int, PackageRequest],
        leaving: Collection[int] = (),
    ) -> None:
        self._pool = pool
        self._wanted = wanted
        self._leaving = leaving

    def explain(self, problems: Iterable[solv.Problem]) -> tuple[Problem, ...]:
        """A sentence a cause: "a requires b >= 2, b-2-1.noarch requires c, nothing provides c"."""
        causes: dict[str, _Cause] = {}
        for problem in problems:
            infos = [info for rule in problem.findallproblemrules(1) for info in rule.allinfos()]
            links = self._links(infos)
            culprits = dict.fromkeys(self._culprits(infos))
            for culprit in culprits:
                chains = [self._chain(party, links) for party in culprit.parties]
                _add(causes, culprit, chains)
            if not culprits:
                text = problem.findproblemrule().info().problemstr()
                _add(causes, _Culprit(text, (), text), [])
        return tuple(
            Problem(cause.where, cause.rank[-1], _others(len(cause.requests) - 1))
            for cause in causes.values()
        )

    def _links(self, infos: Sequence[solv.Ruleinfo]) -> dict[int, list[_Link]]:
        links: dict[int, list[_Link]] = {}
        for info in infos:
            if info.type == _REQUIRES:
                providers = tuple(s.id for s in self._pool.native.whatprovides(info.dep))
                link = _Link(info.solvable, str(info.dep), providers)
                links.setdefault(info.solvable.id, []).append(link)
        for group in links.values():
            group.sort(key=lambda link: ("(" in link.dependency, len(link.dependency)))
        return links

    def _culprits(self, infos: Sequence[solv.Ruleinfo]) -> Iterator[_Culprit]:
        for info in infos:
            one = info.solvable
            if info.type == _NOTHING_PROVIDES:
                cause, reason = self._absent(info.dep)
                yield _Culprit(cause, (one.id,), f"{_named(one)} requires {info.dep}, {reason}")
            elif info.type == _NOT_INSTALLABLE:
                reason = self._pool.excluded.get(one.id, "for another architecture")
                yield _Culprit(str(one), (one.id,), f"{one} is {reason}")
            elif info.type == _SELF_CONFLICT:
                text = f"{one} conflicts with {info.dep}, which it provides itself"
                yield _Culprit(str(one), (one.id,), text)
            elif info.type in (_SAME_NAME, _CONFLICTS, *_OBSOLETES):
                text = _quarrel(info)
                yield _Culprit(text, (one.id, info.othersolvable.id), text)
            elif info.type == _REQUIRES and one.isinstalled() and one.id not in self._leaving:
                yield from self._bereft(one, info.dep)

    def _bereft(self, needing: solv.XSolvable, dependency: solv.Dep) -> Iterator[_Culprit]:
        """A package of the base tree that needs what is to leave it."""
        providers = self._pool.native.whatprovides(dependency)
        for leaving in (each for each in providers if each.id in self._leaving):
            of = "" if str(dependency) == leaving.name else f"{dependency} of "
            text = f"{_named(needing)} requires {of}{leaving}"
            yield _Culprit(text, (needing.id,), text)

    def _absent(self, dependency: solv.Dep) -> tuple[str, str]:
        """(cause, sentence): nothing provides it, and what comes nearest."""
        for solvable_id, reason in self._pool.excluded.items():
            solvable = self._pool.native.id2solvable(solvable_id)
            if solvable.matchesdep(solv.SOLVABLE_PROVIDES, dependency):
                return str(solvable), f"but {solvable} is {reason}"
        text = str(dependency)
        if text.startswith("("):
            return text, f"nothing provides {text}"
        # libc.so.6(GLIBC_2.34)(64bit) and libc.so.6()(64bit) are missing for one reason
        name = text.partition(" ")[0]
        cause = name.partition("(")[0]
        others = self._pool.native.whatprovides(self._pool.native.Dep(name))
        near = f" (there is {others[-1]})" if name != text and others else ""
        return cause, f"nothing provides {text}{near}"

    def _chain(self, target: int, links: Mapping[int, Sequence[_Link]]) -> _Chain:
        """The shortest one."""
        starts = [start for start in self._wanted if start in links or start == target]
        came_by: dict[int, _Link | None] = dict.fromkeys(starts)
        queue = deque(starts)
        while queue:
            current = queue.popleft()
            if current == target:
                return self._retraced(current, came_by)
            for link in links.get(current, ()):
                for provider in link.providers:
                    if provider not in came_by:
                        came_by[provider] = link
                        queue.append(provider)
        return _Chain()

    def _retraced(self, target: int, came_by: Mapping[int, _Link | None]) -> _Chain:
        steps: list[str] = []
        current = target
        while (link := came_by[current]) is not None:
            steps.append(f"{link.solvable} requires {link.dependency}")
            current = link.solvable.id
        return _Chain(tuple(reversed(steps)), self._wanted[current])


def _add(causes: dict[str, _Cause], culprit: _Culprit, chains: Sequence[_Chain]) -> None:
    """Shorter chains first, and plain names before capabilities of libraries."""
    parts = list(dict.fromkeys(step for chain in chains for step in chain.steps))
    text = ", ".join([*parts, culprit.text])
    requests = [chain.request for chain in chains if chain.request is not None]
    where = requests[0].where if requests else ""
    rank = (len(parts), "(" in text, len(text), text)
    cause = causes.setdefault(culprit.cause, _Cause(rank, where))
    if rank < cause.rank:
        cause.rank, cause.where = rank, where
    cause.requests.update(requests[:1])


def _quarrel(info: solv.Ruleinfo) -> str:
    """Two packages that exclude each other."""
    if info.type == _SAME_NAME:
        pair = sorted((info.solvable, info.othersolvable), key=lambda one: one.isinstalled())
        return f"{' and '.join(map(_named, pair))} cannot both be installed"
    verb = "conflicts with" if info.type == _CONFLICTS else "obsoletes"
    by = "" if str(info.dep) == info.othersolvable.name else f" ({info.dep})"
    return f"{_named(info.solvable)} {verb} {_named(info.othersolvable)}{by}"


def _named(solvable: solv.XSolvable) -> str:
    return f"{solvable} of the base tree" if solvable.isinstalled() else str(solvable)


def _others(count: int) -> str:
    if count < 1:
        return ""
    return f"{count} more {'request needs' if count == 1 else 'requests need'} it"
