"""Debian's versions and relationships in RPM's words (Debian Policy 5.6.12 and 7.1)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

DIST = "ph5"
_RELATION = re.compile(r"^([^\s(\[:]+)(?::\w+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^)\s]+)\s*\))?")
_OPERATORS = {"<<": "<", "<=": "<=", "=": "=", ">=": ">=", ">>": ">"}
_PARTS = re.compile(r"(\D*)(\d*)")


@dataclass(frozen=True)
class Version:
    """A Debian version; epoch "0" and revision "" when they are not written."""

    epoch: str
    upstream: str
    revision: str

    @classmethod
    def parse(cls, text: str) -> Version:
        """text: `[epoch:]upstream[-revision]`."""
        epoch, colon, rest = text.partition(":")
        if not colon:
            epoch, rest = "0", text
        upstream, dash, revision = rest.rpartition("-")
        return cls(epoch, upstream, revision) if dash else cls(epoch, rest, "")

    @property
    def rpm_version(self) -> str:
        """The RPM version tag (which may not hold a dash)."""
        return self.upstream.replace("-", ".")

    @property
    def rpm_revision(self) -> str:
        """What the RPM release begins with."""
        return self.revision or "0"

    def rpm_release(self, rebuild: int) -> str:
        """The RPM release tag of the rebuild-th build of this version, counted from 1."""
        return f"{self.rpm_revision}.{rebuild}.{DIST}"

    @property
    def evr(self) -> str:
        """`[epoch:]version-revision`, without the part that counts our own rebuilds."""
        return f"{self._prefix}{self.rpm_version}-{self.rpm_revision}"

    @property
    def _prefix(self) -> str:
        return "" if self.epoch == "0" else f"{self.epoch}:"

    def bound(self, operator: str) -> str:
        """How this version is written in a dependency.

        RPM ignores the release where one side has none. That suits `>=` and `=`, but Debian's
        2.36-9 is later than 2.36: the strict operators compare with the lowest release.
        """
        if self.revision or operator in ("<<", ">>", "<="):
            return self.evr
        return f"{self._prefix}{self.rpm_version}"


@dataclass(frozen=True)
class Relation:
    """One alternative of a dependency: a name, and maybe an operator and a version."""

    name: str
    operator: str = ""
    version: str = ""

    def rpm(self) -> str:
        """As in a spec file: `name >= version`."""
        if not self.operator:
            return self.name
        bound = Version.parse(self.version).bound(self.operator)
        return f"{self.name} {_OPERATORS[self.operator]} {bound}"


def parse_relations(field: str) -> list[tuple[Relation, ...]]:
    """The clauses of a Depends-like field; each is a tuple of alternatives.

    Raises ValueError for text that is no relationship field.
    """
    clauses = []
    for clause in filter(None, (part.strip() for part in field.split(","))):
        alternatives = []
        for alternative in clause.split("|"):
            match = _RELATION.match(alternative.strip())
            if match is None:
                raise ValueError(f"not a relationship: {alternative!r}")
            name, operator, version = match.groups()
            alternatives.append(Relation(name, operator or "", version or ""))
        clauses.append(tuple(alternatives))
    return clauses


def rpm_relations(field: str, dropped: Collection[str]) -> list[str]:
    """A Depends-like field as RPM dependencies, alternatives as `(a or b)`.

    A clause with one of the dropped names among its alternatives is left out altogether.
    """
    result = []
    for alternatives in parse_relations(field):
        if any(relation.name in dropped for relation in alternatives):
            continue
        texts = [relation.rpm() for relation in alternatives]
        result.append(texts[0] if len(texts) == 1 else f"({' or '.join(texts)})")
    return result


def sort_key(version: str) -> tuple[object, ...]:
    """Orders Debian versions as dpkg does."""
    parsed = Version.parse(version)
    return int(parsed.epoch), _part_key(parsed.upstream), _part_key(parsed.revision or "0")


def _part_key(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Alternating non-digits and numbers; `~` sorts before the end, letters before the rest."""
    return tuple(
        ((*(_character_key(character) for character in word), 0), int(number or 0))
        for word, number in _PARTS.findall(text)
    )


def _character_key(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
