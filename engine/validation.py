"""Runs a pydantic model over a document and says every mistake with its place.

Models mark fields whose values must not be shown with `SECRET` in an Annotated type. Their
validators raise `RuleError`, which carries a hint.
"""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.document import Document, Path
from engine.errors import Problem

M = TypeVar("M", bound=BaseModel)


class _SecretMark:
    """Metadata of a field whose value, and everything in it, is shown as ***."""


SECRET = _SecretMark()


class RuleError(ValueError):
    """A value breaks a rule: message says which ("must be ..."), hint what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Checked(Generic[M]):
    """What is left of a document without its mistakes, for rules that look at several values.

    value: None when too little is left. doubtful: paths in the document whose values were left
    out, or were meant by a misspelt key. removed: list items that were left out, as indexes in the
    document, by the list's path.
    """

    document: Document
    value: M | None
    problems: tuple[Problem, ...] = ()
    doubtful: frozenset[Path] = frozenset()
    removed: dict[Path, tuple[int, ...]] = field(default_factory=dict)

    def original(self, path: Sequence[str | int]) -> Path:
        """The document's path of a path in value: list items that were left out count again."""
        found: Path = ()
        for part in path:
            step = part
            if isinstance(step, int):
                for gone in self.removed.get(found, ()):
                    step += gone <= step
            found = (*found, step)
        return found

    def doubts(self, *path: str | int) -> bool:
        """Whether the value at path, something in it, or what it is in is not known."""
        return _related(self.original(path), self.doubtful)


def check(document: Document, model: type[M], unknown: Iterable[Path] = ()) -> Checked[M]:
    """Validate, then leave out what is wrong and validate again, until the rest is right.

    unknown: paths that are left out from the start. The problems are those of the document, not
    those that come from leaving something out.
    """
    problems: list[Problem] = list(document.problems)
    doubtful = set(unknown)
    pruned = set(doubtful)
    data, removed = _without(document.data, pruned)
    while True:
        try:
            value = model.model_validate(data)
        except ValidationError as error:
            mistakes = _mistakes(error, data, model)
        else:
            known = frozenset(doubtful)
            return Checked(document, value, problems_in_order(problems), known, removed)
        original = Checked[M](document, None, removed=removed).original
        before = len(pruned)
        for mistake in mistakes:
            subject = original(mistake.subject)
            consequence = _related(subject, doubtful) if before else _below(subject, doubtful)
            if not consequence:
                problems.append(mistake.problem(document, original(mistake.path)))
            doubtful.add(subject)
            pruned.add(original(mistake.prune))
        if () in pruned or len(pruned) == before:
            return Checked(document, None, problems_in_order(problems), frozenset({()}))
        data, removed = _without(document.data, pruned)


def suggestion(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or ""."""
    forms = {name.lower().replace("-", "_"): name for name in known}
    close = difflib.get_close_matches(word.lower().replace("-", "_"), forms, n=1, cutoff=0.72)
    return forms[close[0]] if close else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint, or ""."""
    meant = suggestion(word, known)
    return f'did you mean "{meant}"?' if meant else ""


def dotted(path: Sequence[str | int]) -> str:
    """partitions[0].size"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def quoted(value: object) -> str:
    """A value as messages show it: never more than a line."""
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, int | float) else f'"{value}"'
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 60 else text[:57] + "..."


def problems_in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By place (name:line:column), as a reader of the document meets them."""

    def key(problem: Problem) -> tuple[int, ...]:
        numbers = problem.where.rsplit(":", 2)[1:]
        return tuple(int(number) if number.isdigit() else 0 for number in numbers)

    return tuple(sorted(dict.fromkeys(problems), key=key))


def _below(path: Path, others: Iterable[Path]) -> bool:
    return any(path[: len(other)] == other for other in others)


def _related(path: Path, others: Iterable[Path]) -> bool:
    return any(all(a == b for a, b in zip(path, other, strict=False)) for other in others)


def _without(data: Any, pruned: set[Path]) -> tuple[Any, dict[Path, tuple[int, ...]]]:
    removed: dict[Path, tuple[int, ...]] = {}

    def copy(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            kept = {key: item for key, item in value.items() if (*path, key) not in pruned}
            return {key: copy(item, (*path, key)) for key, item in kept.items()}
        if isinstance(value, list):
            gone = tuple(i for i in range(len(value)) if (*path, i) in pruned)
            if gone:
                removed[path] = gone
            return [copy(item, (*path, i)) for i, item in enumerate(value) if i not in gone]
        return value

    return copy(data, ()), removed


@dataclass(frozen=True)
class _Mistake:
    """A pydantic error. path: where it shows. subject: what is unknown because of it (the key that
    is missing, or was meant by a misspelt one). prune: what must go for the rest to be valid."""

    path: Path
    subject: Path
    prune: Path
    message: str
    hint: str = ""
    of_key: bool = False

    def problem(self, document: Document, path: Path) -> Problem:
        return Problem(document.place(path, of_key=self.of_key), self.message, self.hint)


@dataclass(frozen=True)
class _Detail:
    """One of pydantic's errors; path: the part of its location that is in the data.

    union: the path of the union whose alternative (label) it comes from, if any.
    """

    error: ErrorDetails
    path: Path
    union: Path | None
    label: str

    @property
    def type(self) -> str:
        return self.error["type"]


def _detail(error: ErrorDetails, data: Any) -> _Detail:
    location = error["loc"][:-1] if error["type"] == "missing" else error["loc"]
    value: Any = data
    path: Path = ()
    union: Path | None = None
    label = ""
    part: Any
    for part in location:
        steps: Any = range(len(value)) if isinstance(value, list) else value
        if isinstance(value, dict | list) and part in steps:
            value, path = value[part], (*path, part)
        elif union is None and part != "[key]":
            union, label = path, str(part)
    return _Detail(error, path, union, label)


def _relevant(details: list[_Detail]) -> Iterator[_Detail]:
    """Of a union's alternatives, the one that fits best: it complains deepest inside the value."""
    for detail in details:
        if detail.union is None:
            yield detail
            continue
        rivals = [other for other in details if other.union == detail.union]
        inner = [o for o in rivals if o.path != o.union or o.type == "missing"]
        best = min((o.label for o in inner), key=lambda label: _count(rivals, label), default="")
        if not inner or detail.label == best:
            yield detail


def _count(details: list[_Detail], label: str) -> int:
    return sum(detail.label == label for detail in details)


def _mistakes(error: ValidationError, data: Any, model: type[BaseModel]) -> list[_Mistake]:
    found = [_detail(item, data) for item in error.errors(include_url=False)]
    details = list(_relevant(found))
    mistakes = [_unknown_key(d, data, model) for d in details if d.type == "extra_forbidden"]
    mistakes += [_missing_key(d) for d in details if d.type == "missing"]
    groups: dict[Path, list[_Detail]] = {}
    for detail in details:
        if detail.type not in ("extra_forbidden", "missing"):
            groups.setdefault(detail.path, []).append(detail)
    return mistakes + [_wrong_value(path, group, model) for path, group in groups.items()]


def _unknown_key(detail: _Detail, data: Any, model: type[BaseModel]) -> _Mistake:
    *parent, key = detail.path
    present: Any = data
    for part in parent:
        present = present[part]
    known = [name for name in _keys(model, tuple(parent)) if name not in present]
    meant = suggestion(str(key), known)
    inside = f" in {dotted(parent)}" if parent else ""
    return _Mistake(
        path=detail.path,
        subject=(*parent, meant) if meant else detail.path,
        prune=detail.path,
        message=f'unknown key "{key}"{inside}',
        hint=f'did you mean "{meant}"?' if meant else "",
        of_key=True,
    )


def _missing_key(detail: _Detail) -> _Mistake:
    key = str(detail.error["loc"][-1])
    before = f"{dotted(detail.path)}: " if detail.path else ""
    message = f'{before}the key "{key}" is missing'
    return _Mistake(detail.path, (*detail.path, key), detail.path, message)


def _wrong_value(path: Path, group: list[_Detail], model: type[BaseModel]) -> _Mistake:
    secret = _is_secret(model, path)
    value = group[0].error.get("input")
    rules = [_rule(detail.error, secret) for detail in group]
    message = " or ".join(dict.fromkeys(rule for rule, _ in rules))
    message = message.replace(" or must be ", " or ")
    shown = "***" if secret and not isinstance(value, dict | list) else quoted(value)
    hint = next((hint for _, hint in rules if hint), "")
    of_key = group[0].error["loc"][-1:] == ("[key]",)
    name = dotted(path) or "the document"
    return _Mistake(path, path, path, f"{name}: {message}, not {shown}", hint, of_key)


_RULES = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
    "model_attributes_type": "must be a map",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
}


def _rule(error: ErrorDetails, secret: bool) -> tuple[str, str]:
    """The rule that is broken, as "must be ...", and a hint."""
    context = error.get("ctx", {})
    value = error.get("input")
    cause = context.get("error")
    if isinstance(cause, RuleError):
        return cause.message, cause.hint
    if error["type"] in ("literal_error", "enum"):
        known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        return f"must be one of {', '.join(known)}", did_you_mean(str(value), known)
    rule = _RULES.get(error["type"])
    if rule is None:
        message = str(cause or error["msg"])
        return message[:1].lower() + message[1:], ""
    hint = ""
    if error["type"] == "string_type" and isinstance(value, int | float):
        hint = "put it in quotes" if secret else f'put it in quotes: "{quoted(value)}"'
    if error["type"].startswith("bool") and str(value).lower() in ("yes", "on", "no", "off"):
        hint = f"write {'true' if str(value).lower() in ('yes', 'on') else 'false'}"
    return rule.format(**context), hint


def _alternatives(annotation: Any, secret: bool = False) -> Iterator[tuple[Any, bool]]:
    """The types an annotation allows, each with whether it is marked SECRET."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        inner, *metadata = typing.get_args(annotation)
        yield from _alternatives(inner, secret or SECRET in metadata)
    elif origin in (typing.Union, types.UnionType):
        for inner in typing.get_args(annotation):
            yield from _alternatives(inner, secret)
    else:
        yield annotation, secret


def _types_at(model: type[BaseModel], path: Path) -> list[tuple[Any, bool]]:
    current: list[tuple[Any, bool]] = [(model, False)]
    for part in path:
        following: list[tuple[Any, bool]] = []
        for kind, secret in current:
            arguments = typing.get_args(kind)
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                for name, info in kind.model_fields.items():
                    if part in (name, info.alias, info.validation_alias):
                        marked = secret or SECRET in info.metadata
                        following += _alternatives(info.annotation, marked)
            elif arguments:
                following += _alternatives(arguments[-1 if isinstance(part, str) else 0], secret)
        current = following
    return current


def _is_secret(model: type[BaseModel], path: Path) -> bool:
    return any(secret for _, secret in _types_at(model, path))


def _keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that the map at path may have."""
    return [
        info.alias or name
        for kind, _ in _types_at(model, path)
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name, info in kind.model_fields.items()
    ]
