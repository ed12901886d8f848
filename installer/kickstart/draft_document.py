"""A draft as a kickstart's document: its problems are found by their keys, not by lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from engine.document import Document
from engine.errors import Problem
from engine.validation import dotted
from installer.draft import Assessment, Draft, Remark
from installer.kickstart.plan import read_plan
from installer.kickstart.reading import Facts
from installer.plan import Secret

NAME = "the answers"


class DraftDocument(Document):
    """Its places are paths: a JSON list of keys and indexes."""

    def place(self, path: Sequence[str | int], *, of_key: bool = False) -> str:
        return json.dumps(list(path))


def remarks_on(draft: Draft, facts: Facts, hasher: Callable[[str], Secret]) -> Assessment:
    """Raises PlanError for what is no kickstart at all."""
    outcome = read_plan(DraftDocument(NAME, dict(draft.keys), {}), facts, hasher)
    return Assessment(outcome, remarks(outcome.problems), remarks(outcome.warnings))


def remarks(problems: Iterable[Problem]) -> tuple[Remark, ...]:
    return tuple(_remark(_path(each.where), each) for each in problems)


def _remark(path: tuple[str | int, ...], problem: Problem) -> Remark:
    """Beside its field, a value need not be named by its path."""
    return Remark(path, problem.message.removeprefix(f"{dotted(path)}: "), problem.hint)


def _path(where: str) -> tuple[str | int, ...]:
    try:
        found = json.loads(where)
    except ValueError:  # of something beside the document
        return ()
    return tuple(found) if isinstance(found, list) else ()
