"""$VAR and ${VAR} in a kickstart's values, set by environment and by preinstall's exports.

Never in scripts, repos (dnf's own $releasever) and environment; in passwords and keys only when the
variable is the whole value, since a hash is full of dollars. $$ is a dollar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.document import Document, Path
from engine.errors import Problem
from engine.validation import did_you_mean
from installer.kickstart.foreign import texts

VERBATIM = frozenset({"preinstall", "postinstall", "firstboot", "repos", "environment", "server"})
_SCRIPT_FILES = frozenset({"preinstallscripts", "postinstallscripts"})
_SECRETS = frozenset({"text", "key", "public_key", "public_keys", "shadow_password"})
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_WHOLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))$", re.ASCII)
_ESCAPED = re.compile(r"\$\$(\{[A-Za-z_]\w*\}|[A-Za-z_]\w*)$", re.ASCII)
_ANYWHERE = re.compile(r"\$(?:(\$)|\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))", re.ASCII)
# Exports that its words do not show: then every word may be an exported name
_DYNAMIC = re.compile(r"\beval\b|\bset -a\b|\ballexport\b|^\s*(?:\.|source)\s", re.MULTILINE)
_EXPORT = re.compile(
    r"\b(?:export|declare\s+-x)\s+((?:[A-Za-z_]\w*(?:=[^\s;&|]*)?[ \t]*)+)", re.ASCII
)


@dataclass
class Resolved:
    """unknown: paths whose values are not known. deferred: some of them will be known when the
    scripts have run, the others are problems."""

    document: Document
    problems: list[Problem] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)
    deferred: bool = False


def resolve(
    document: Document, variables: Mapping[str, str], promised: Iterable[str] = ()
) -> Resolved:
    """Replace variables; promised names will have values later, others without one are problems."""
    result = Resolved(document)
    later = frozenset(promised)
    data = document.data if isinstance(document.data, dict) else {}
    for path, text in texts(data):
        if "$" not in text or not _expands(path):
            continue
        secret = any(part in _SECRETS for part in path)
        whole = _WHOLE.match(text)
        matches = list(filter(None, [whole])) if secret else list(_ANYWHERE.finditer(text))
        names = [name for match in matches if (name := _name(match))]
        missing = [name for name in names if name not in variables]
        if missing:
            result.unknown.append(path)
            lost = [name for name in missing if name not in later]
            result.deferred |= not lost
            for name in lost:
                result.problems.append(_unresolved(document, path, name, variables, secret))
        else:
            value = _value(text, variables, secret)
            result.document = result.document.with_value(path, value, like=path)
    return result


def promised_names(script: str) -> set[str]:
    """The variables that a shell script will export, as far as its text tells; nothing is run."""
    if _DYNAMIC.search(script):
        return set(_NAME.findall(script))
    names: set[str] = set()
    for match in _EXPORT.finditer(script):
        names.update(word.split("=", 1)[0] for word in match[1].split())
    return names


def all_names(data: object) -> set[str]:
    """Every name that a variable in these values could have."""
    return {name for _, text in texts(data) for name in _NAME.findall(text)}


def escaped(data: Any, path: Path = ()) -> Any:
    """The inverse of resolve: values in which every dollar means itself."""
    if isinstance(data, dict):
        return {key: escaped(value, (*path, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [escaped(value, (*path, index)) for index, value in enumerate(data)]
    if not isinstance(data, str) or not _expands(path):
        return data
    if any(part in _SECRETS for part in path):
        return f"${data}" if _WHOLE.match(data) or _ESCAPED.match(data) else data
    return data.replace("$", "$$") if _ANYWHERE.search(data) else data


def _expands(path: Path) -> bool:
    inline = path[0] in _SCRIPT_FILES and path[-1] == "text"
    return path[0] not in VERBATIM and not inline


def _name(match: re.Match[str]) -> str:
    return next((group for group in match.groups() if group and group != "$"), "")


def _value(text: str, variables: Mapping[str, str], secret: bool) -> Any:
    """The text with its variables; a number or boolean when it was nothing but one variable."""
    match = _WHOLE.match(text)
    if match is None:
        if secret:
            return text[1:] if _ESCAPED.match(text) else text
        return _ANYWHERE.sub(lambda m: "$" if m[1] else variables[_name(m)], text)
    value = variables[_name(match)]
    if secret:
        return value
    if re.fullmatch(r"0|-?[1-9][0-9]{0,15}", value):
        return int(value)
    return {"true": True, "false": False}.get(value, value)


def _unresolved(
    document: Document, path: Path, name: str, variables: Mapping[str, str], secret: bool
) -> Problem:
    """A password that looks like a variable must not be shown."""
    named = "this variable" if secret else f"the variable ${name}"
    hint = "export it in preinstall, or write $$ for a dollar"
    meant = "" if secret else did_you_mean(name, variables)
    return Problem(document.place(path), f"{named} has no value", meant or hint)
