"""A safe subset of YAML: maps, lists and scalars as in YAML 1.2's core schema.

No `yes`/`on` booleans, no octal, sexagesimal or date values: `0644` and `00:11:22:33:44:55` are
text. No tags, no merge keys; aliases are followed as far as `MAX_VALUES` values.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from engine.document import (
    MAX_DEPTH,
    MAX_VALUES,
    TOP,
    Document,
    Lines,
    Mark,
    Path,
    Place,
    duplicate_key,
    too_deep,
)
from engine.errors import PlanError, Problem

_TAG = "tag:yaml.org,2002:"
_PLAIN = (
    (f"{_TAG}null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    (f"{_TAG}bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    (f"{_TAG}int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")),
    (
        f"{_TAG}float",
        re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$"),
        list("-+0123456789"),
    ),
    (f"{_TAG}merge", re.compile(r"<<$"), ["<"]),
)


class _Loader(yaml.SafeLoader):
    """PyYAML's scanner, parser and composer with the core schema's plain scalars."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(_tag, _pattern, _first)


def parse_yaml(text: str, name: str) -> Document:
    """Read one YAML document; raises PlanError for what is not in the subset.

    Duplicate keys are left in the document's problems. Error messages never quote values: what is
    unreadable may be a password.
    """
    lines = Lines(text)
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except RecursionError:
        raise too_deep(name) from None
    except yaml.reader.ReaderError as error:
        message = "a character that is not allowed in YAML"
        raise _failure(name, lines.mark(error.position), message) from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(name, lines, error) from None
    if node is None:
        raise _failure(name, TOP, "the document is empty")
    builder = _Builder(name, lines)
    data = builder.build(node, (), None)
    return Document(name, data, builder.places, tuple(builder.problems))


def _failure(name: str, mark: Mark, message: str, hint: str = "") -> PlanError:
    return PlanError(f"{name} cannot be read.", [Problem(f"{name}:{mark}", message, hint)])


_EXPLANATIONS = (
    ("undefined alias", "an alias (*name) without its anchor", "put quotes around text with a *"),
    ("duplicate anchor", "an anchor (&name) that exists already", ""),
    (
        r"found character '\t'",
        "a tab is used for indentation",
        "YAML wants blanks; only JSON may be indented with tabs",
    ),
    ("mapping values are not allowed", "a colon that starts no value here", "quote the text"),
    ("could not find expected ':'", 'a line that is no "key: value"', ""),
    ("single document", "more than one document (---)", ""),
)


def _syntax_error(name: str, lines: Lines, error: yaml.MarkedYAMLError) -> PlanError:
    mark = error.problem_mark or error.context_mark
    place = lines.mark(mark.index) if mark else TOP
    said = f"{error.context or ''} {error.problem or ''}".strip()
    for sign, message, hint in _EXPLANATIONS:
        if sign in said:
            return _failure(name, place, f"not valid YAML: {message}", hint)
    said = re.sub(r"(alias|anchor|tag|handle|escape character) '[^']*'", r"\1", said)
    return _failure(name, place, f"not valid YAML: {said}")


class _Builder:
    """Turns nodes into values and notes their places."""

    def __init__(self, name: str, lines: Lines) -> None:
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self._name = name
        self._lines = lines
        self._count = 0
        self._open: list[yaml.Node] = []

    def build(self, node: yaml.Node, path: Path, key: Mark | None) -> Any:
        mark = self._lines.mark(node.start_mark.index)
        self.places[path] = Place(key, mark)
        self._count += 1
        if self._count > MAX_VALUES:
            message = f"more than {MAX_VALUES} values, aliases followed"
            raise _failure(self._name, mark, message)
        if any(node is parent for parent in self._open):
            raise _failure(self._name, mark, "a value that contains itself by an alias")
        if len(self._open) >= MAX_DEPTH:
            raise too_deep(self._name, mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, mark)
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
                return self._map(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
                return [self.build(item, (*path, i), None) for i, item in enumerate(node.value)]
        finally:
            self._open.pop()
        raise self._tag_failure(mark)

    def _map(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        seen: dict[str, Mark] = {}
        for key_node, value_node in node.value:
            mark = self._lines.mark(key_node.start_mark.index)
            if not isinstance(key_node, yaml.ScalarNode):
                raise _failure(self._name, mark, "a key that is no text")
            if key_node.tag == f"{_TAG}merge":
                hint = "repeat the keys, or use an alias for a whole value"
                raise _failure(self._name, mark, "merge keys (<<) are not supported", hint)
            key = key_node.value
            if key in seen:
                self.problems.append(duplicate_key(self._name, key, seen[key], mark))
            seen.setdefault(key, mark)
            values[key] = self.build(value_node, (*path, key), mark)
        return values

    def _scalar(self, node: yaml.ScalarNode, mark: Mark) -> Any:
        kind, text = node.tag.removeprefix(_TAG), node.value
        pattern = next((pattern for tag, pattern, _ in _PLAIN if tag == node.tag), None)
        if kind in ("str", "merge"):
            return text
        if pattern is None or not pattern.match(text):
            raise self._tag_failure(mark)
        if kind == "int" and len(text) > 4000:
            raise _failure(self._name, mark, "a number is too long")
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text)
        return float(text)

    def _tag_failure(self, mark: Mark) -> PlanError:
        hint = "put quotes around text that begins with !"
        return _failure(self._name, mark, "tags (!name) are not supported", hint)
