"""Why libsolv found no solution, in the words of a packager: the chain from what was asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import solv

from engine.errors import Problem
from engine.packages.model import PackageRequest
from engine.packages.pool import PackagePool

_CHAINS = 3

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
    """Where it ends. parties: ids of the packages that it is about; text: ends the sentence."""

    parties: tuple[int, ...]
    text: str


class Explainer:
    """Explains the problems of one solver run. wanted: the requests by the ids of the packages
    that would fulfil them."""

    def __init__(self, pool: PackagePool, wanted: Mapping[int, PackageRequest]) -> None:
        self._pool = pool
        self._wanted = wanted

    def explain(self, problem: solv.Problem) -> Problem:
        """One sentence: "a requires b >= 2, b-2-1.noarch requires c, nothing provides c"."""
        infos = [info for rule in problem.findallproblemrules(1) for info in rule.allinfos()]
        links = self._links(infos)
        culprits = list(dict.fromkeys(self._culprits(infos)))
        sentences: list[str] = []
        where = ""
        for culprit in culprits:
            paths = [self._path(party, links) for party in culprit.parties]
            where = where or next((place for _text, place in paths if place), "")
            parts = [text for text, _place in paths if text]
            sentences.append(", ".join([*dict.fromkeys(parts), culprit.text]))
        if not sentences:
            sentences = [problem.findproblemrule().info().problemstr()]
        more = len(sentences) - _CHAINS
        tail = f"; and {more} more reasons" if more > 0 else ""
        return Problem(where, "; ".join(sentences[:_CHAINS]) + tail)

    def _links(self, infos: Sequence[solv.Ruleinfo]) -> dict[int, list[_Link]]:
        links: dict[int, list[_Link]] = {}
        for info in infos:
            if info.type == _REQUIRES:
                providers = tuple(s.id for s in self._pool.native.whatprovides(info.dep))
                link = _Link(info.solvable, str(info.dep), providers)
                links.setdefault(info.solvable.id, []).append(link)
        return links

    def _culprits(self, infos: Sequence[solv.Ruleinfo]) -> Iterator[_Culprit]:
        for info in infos:
            if info.type == _NOTHING_PROVIDES:
                text = f"{info.solvable} requires {info.dep}, {self._absent(info.dep)}"
                yield _Culprit((info.solvable.id,), text)
            elif info.type == _NOT_INSTALLABLE:
                reason = self._pool.excluded.get(info.solvable.id, "for another architecture")
                yield _Culprit((info.solvable.id,), f"{info.solvable} is {reason}")
            elif info.type == _SELF_CONFLICT:
                text = f"{info.solvable} conflicts with {info.dep}, which it provides itself"
                yield _Culprit((info.solvable.id,), text)
            elif info.type == _SAME_NAME:
                text = f"{info.solvable} and {info.othersolvable} cannot both be installed"
                yield _Culprit((info.solvable.id, info.othersolvable.id), text)
            elif info.type == _CONFLICTS or info.type in _OBSOLETES:
                verb = "conflicts with" if info.type == _CONFLICTS else "obsoletes"
                other = str(info.othersolvable)
                by = "" if str(info.dep) == info.othersolvable.name else f" ({info.dep})"
                text = f"{info.solvable} {verb} {other}{by}"
                yield _Culprit((info.solvable.id, info.othersolvable.id), text)

    def _absent(self, dependency: solv.Dep) -> str:
        """Says that nothing provides it, and what comes nearest."""
        for solvable_id, reason in self._pool.excluded.items():
            solvable = self._pool.native.id2solvable(solvable_id)
            if solvable.matchesdep(solv.SOLVABLE_PROVIDES, dependency):
                return f"but {solvable} is {reason}"
        text = str(dependency)
        name = text.partition(" ")[0]
        others = self._pool.native.whatprovides(self._pool.native.Dep(name))
        if name != text and others and not text.startswith("("):
            return f"nothing provides {text} (there is {others[-1]})"
        return f"nothing provides {text}"

    def _path(self, target: int, links: Mapping[int, Sequence[_Link]]) -> tuple[str, str]:
        """The shortest chain of requirements from a request to target, and the request's place.

        The text is "" when the target itself was asked for.
        """
        starts = [start for start in self._wanted if start in links or start == target]
        came_by: dict[int, _Link | None] = dict.fromkeys(starts)
        queue = deque(starts)
        while queue:
            current = queue.popleft()
            if current == target:
                return self._chain(current, came_by)
            for link in links.get(current, ()):
                for provider in link.providers:
                    if provider not in came_by:
                        came_by[provider] = link
                        queue.append(provider)
        return "", ""

    def _chain(self, target: int, came_by: Mapping[int, _Link | None]) -> tuple[str, str]:
        steps: list[str] = []
        current = target
        while (link := came_by[current]) is not None:
            steps.append(f"{link.solvable} requires {link.dependency}")
            current = link.solvable.id
        return ", ".join(reversed(steps)), self._wanted[current].where
