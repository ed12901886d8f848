"""The answers of the wizard so far: a kickstart that is not complete yet.

Screens change a draft by whole values. What is right is not decided there: a draft is checked by
the rules of a kickstart, and each problem is found again by the key it belongs to.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # loads pydantic, which the first frame need not wait for
    from engine.document import Path as Place
    from installer.kickstart.plan import Outcome
    from installer.kickstart.reading import Facts
    from installer.plan import Secret

Key = str | int


class Section(StrEnum):
    """What is asked, in this order."""

    SOURCE = "source"
    DISK = "disk"
    PARTITIONS = "partitions"
    NETWORK = "network"
    HOST = "host"


KEYS: Mapping[Section, tuple[str, ...]] = {
    Section.SOURCE: ("ostree",),
    Section.DISK: ("disk", "disks"),
    Section.PARTITIONS: ("partitions", "partition_type", "bootmode"),
    Section.NETWORK: ("network",),
    Section.HOST: ("hostname", "password", "shadow_password", "public_key", "users", "timezone"),
}
# A machine could be installed without them, but nobody wants that unasked
_EXPECTED: Mapping[Section, tuple[str, ...]] = {
    Section.SOURCE: ("ostree",),
    Section.DISK: ("disk", "disks"),
    Section.HOST: ("password", "shadow_password", "public_key", "users"),
}


@dataclass(frozen=True)
class Remark:
    """A problem or a warning at a key of the draft; () is the whole of it."""

    path: tuple[Key, ...]
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


@dataclass(frozen=True)
class Assessment:
    """What is to be said about a draft. outcome: has the plan, when nothing is wrong."""

    outcome: Outcome
    problems: tuple[Remark, ...]
    warnings: tuple[Remark, ...]

    def of(self, section: Section) -> tuple[Remark, ...]:
        """The problems that the section's screen can do something about."""
        return tuple(each for each in self.problems if section_of(each.path) is section)


@dataclass(frozen=True)
class Draft:
    """keys: as in a kickstart. Drafts are values: `with_value` and `without` make new ones."""

    keys: Mapping[str, Any] = field(default_factory=dict)

    def get(self, *path: Key, default: Any = None) -> Any:
        """The value at path, a copy; default when there is none."""
        value: Any = self.keys
        for part in path:
            try:
                value = value[part]
            except (LookupError, TypeError):
                return default
        return copy.deepcopy(value)

    def with_value(self, value: Any, *path: str) -> Draft:
        """With value at path; the maps on the way are made."""
        keys = copy.deepcopy(dict(self.keys))
        place = keys
        for part in path[:-1]:
            if not isinstance(place.get(part), dict):
                place[part] = {}
            place = place[part]
        place[path[-1]] = copy.deepcopy(value)
        return Draft(keys)

    def without(self, *names: str) -> Draft:
        """Without these keys of the top."""
        return Draft({key: value for key, value in self.keys.items() if key not in names})

    def open_sections(self) -> Iterator[Section]:
        """Those that say nothing yet about what a person would want to decide."""
        for section, names in _EXPECTED.items():
            if not any(name in self.keys for name in names):
                yield section

    def assess(self, facts: Facts, hasher: Callable[[str], Secret]) -> Assessment:
        """Check everything, as for a kickstart. hasher: see `installer.kickstart.plan.read_plan`.

        Raises PlanError for what is no kickstart at all.
        """
        from installer.kickstart.draft_document import remarks_on  # noqa: PLC0415 - pydantic

        return remarks_on(self, facts, hasher)

    def to_json(self) -> str:
        """The kickstart's text. It may have password hashes: mode 0600."""
        return json.dumps(self.keys, indent=4, ensure_ascii=False) + "\n"


def section_of(path: Place) -> Section | None:
    """The section whose screen has the key at path."""
    top = path[0] if path else None
    return next((section for section, names in KEYS.items() if top in names), None)
