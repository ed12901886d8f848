"""Documents that people write, in JSON or YAML: values with the place of every key and value.

Strict JSON is tried first, then a safe subset of YAML (`engine.yaml_subset`). Kickstarts and
treefiles are read here; `validate` runs a pydantic model over one and reports every mistake.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from engine.errors import PlanError, Problem

if TYPE_CHECKING:
    from pydantic import BaseModel

    M = TypeVar("M", bound=BaseModel)

Path = tuple[str | int, ...]

MAX_DEPTH = 64
MAX_VALUES = 100_000


class Mark(NamedTuple):
    """A position in a text; line and column count from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


TOP = Mark(1, 1)


class Place(NamedTuple):
    """Where a value begins, and its key (None for list items and the whole document)."""

    key: Mark | None
    value: Mark


class Lines:
    """Turns offsets in a text into marks. Lines end with a line feed, as editors count them."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def mark(self, offset: int) -> Mark:
        line = bisect_right(self._starts, offset)
        return Mark(line, offset - self._starts[line - 1] + 1)


@dataclass(frozen=True)
class Document:
    """What a text says, and where it says it.

    data: dict, list, str, int, float, bool or None, nested. places: by path from the top; () is the
    whole document. problems: what was wrong with the text though it could be read (duplicate keys).
    """

    name: str
    data: Any
    places: Mapping[Path, Place] = field(repr=False)
    problems: tuple[Problem, ...] = ()

    def place(self, path: Sequence[str | int], *, of_key: bool = False) -> str:
        """name:line:column of the value at path, or of its key.

        What is not in the document has the place of the nearest thing around it that is.
        """
        wanted = tuple(path)
        known = wanted
        while known and known not in self.places:
            known = known[:-1]
        found = self.places.get(known, Place(None, TOP))
        mark = found.key if of_key and known == wanted and found.key else found.value
        return f"{self.name}:{mark}"

    def find(self, path: Sequence[str | int]) -> Any:
        """The value at path; raises LookupError when there is none."""
        value: Any = self.data
        part: Any
        for part in path:
            if not isinstance(value, dict if isinstance(part, str) else list):
                raise KeyError(part)
            value = value[part]
        return value

    def has(self, path: Sequence[str | int]) -> bool:
        try:
            self.find(path)
        except LookupError:
            return False
        return True

    def with_value(self, path: Path, value: Any, *, like: Path) -> Document:
        """A copy with value at path (its maps are made), placed where like is."""
        places = dict(self.places)
        for depth in range(1, len(path)):
            places.setdefault(path[:depth], self.places.get(like, Place(None, TOP)))
        for old, place in self.places.items():
            if old[: len(like)] == like:
                places[path + old[len(like) :]] = place
        return replace(self, data=_replaced(self.data, path, value), places=places)

    def without(self, path: Path) -> Document:
        """A copy without the key at path; its place stays known."""
        return replace(self, data=_removed(self.data, path))


def read_document(text: str, name: str) -> Document:
    """Read text; name is what its places are called by.

    Raises PlanError with every problem: a syntax error, or all duplicate keys.
    """
    document = parse_document(text, name)
    if document.problems:
        raise PlanError(f"{name} cannot be read.", document.problems)
    return document


def parse_document(text: str, name: str) -> Document:
    """As read_document, but duplicate keys are left in the document's problems (the last counts),
    for callers that report them together with what else is wrong."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise PlanError(f"{name} is empty.", [Problem(f"{name}:1:1", "the document is empty")])
    try:
        return _parse_json(text, name)
    except json.JSONDecodeError as error:
        json_error = error
    except RecursionError:
        raise too_deep(name) from None
    except ValueError:
        message = "a number is too long"
        raise PlanError(f"{name} cannot be read.", [Problem(f"{name}:1:1", message)]) from None
    # PyYAML is needed for few documents, and costs 20 ms
    from engine.yaml_subset import parse_yaml  # noqa: PLC0415

    try:
        return parse_yaml(text, name)
    except PlanError:
        if text.lstrip()[0] in "{[":
            problem = _json_problem(text, name, json_error)
            raise PlanError(f"{name} cannot be read.", [problem]) from None
        raise


def validate(document: Document, model: type[M]) -> M:
    """The document as an instance of model; raises PlanError with every problem."""
    from engine.validation import check  # noqa: PLC0415 - pydantic costs 150 ms

    checked = check(document, model)
    if checked.problems or checked.value is None:
        raise PlanError(f"{document.name} has mistakes.", checked.problems)
    return checked.value


def duplicate_key(name: str, key: str, first: Mark, second: Mark) -> Problem:
    """The problem of a map that has a key twice."""
    return Problem(f"{name}:{second}", f'the key "{key}" is given twice, first at {first}')


def too_deep(name: str, mark: Mark = TOP) -> PlanError:
    problem = Problem(f"{name}:{mark}", f"more than {MAX_DEPTH} levels of maps and lists")
    return PlanError(f"{name} cannot be read.", [problem])


def _parse_json(text: str, name: str) -> Document:
    data = json.loads(text, parse_constant=_refuse_constant)
    places, problems = _json_places(text, name)
    return Document(name, data, places, tuple(problems))


def _refuse_constant(constant: str) -> None:
    """NaN and Infinity are not JSON; YAML reads them as text."""
    raise json.JSONDecodeError(f"{constant} is not allowed", constant, 0)


_JSON_PIECE = re.compile(r'[{}\[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+')


@dataclass
class _Open:
    """A map or list being scanned; step is its current key or index."""

    path: Path
    is_map: bool
    step: str | int = 0
    key: Mark | None = None
    wants_key: bool = False
    seen: dict[str, Mark] = field(default_factory=dict)


def _json_places(text: str, name: str) -> tuple[dict[Path, Place], list[Problem]]:
    """The places in a text that json.loads accepted, so nothing about its form is checked here."""
    lines = Lines(text)
    places: dict[Path, Place] = {}
    problems: list[Problem] = []
    stack: list[_Open] = []
    for match in _JSON_PIECE.finditer(text):
        piece, mark = match.group(), lines.mark(match.start())
        top = stack[-1] if stack else None
        if piece == ":":
            continue
        if piece in ("}", "]"):
            stack.pop()
        elif top and piece == ",":
            top.wants_key = top.is_map
            top.step = top.step + 1 if isinstance(top.step, int) else top.step
        elif top and top.wants_key:
            key = json.loads(piece)
            if key in top.seen:
                problems.append(duplicate_key(name, key, top.seen[key], mark))
            top.seen.setdefault(key, mark)
            top.step, top.key, top.wants_key = key, mark, False
        else:
            path = (*top.path, top.step) if top else ()
            places[path] = Place(top.key if top else None, mark)
            if piece in ("{", "["):
                stack.append(_Open(path, is_map=piece == "{", wants_key=piece == "{"))
                if len(stack) > MAX_DEPTH:
                    raise too_deep(name, mark)
    return places, problems


def _json_problem(text: str, name: str, error: json.JSONDecodeError) -> Problem:
    before = text[: error.pos].rstrip()
    hint = ""
    if before.endswith(",") and text[error.pos : error.pos + 1] in ("}", "]", '"', ""):
        hint = "is there a comma after the last item?"
    elif error.msg.startswith("Expecting ','"):
        hint = "is there a comma missing before this place?"
    message = error.msg[:1].lower() + error.msg[1:]
    return Problem(f"{name}:{error.lineno}:{error.colno}", f"not valid JSON: {message}", hint)


def _replaced(data: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    if isinstance(data, list) and isinstance(path[0], int):
        return [
            _replaced(item, path[1:], value) if index == path[0] else item
            for index, item in enumerate(data)
        ]
    values = data if isinstance(data, dict) else {}
    return {**values, path[0]: _replaced(values.get(path[0]), path[1:], value)}


def _removed(data: Any, path: Path) -> Any:
    if isinstance(data, list) and isinstance(path[0], int):
        copy = list(data)
        if len(path) == 1:
            del copy[path[0]]
        else:
            copy[path[0]] = _removed(copy[path[0]], path[1:])
        return copy
    if not isinstance(data, dict) or path[0] not in data:
        return data
    if len(path) == 1:
        return {key: value for key, value in data.items() if key != path[0]}
    return {**data, path[0]: _removed(data[path[0]], path[1:])}
