"""What a wizard works with: the draft, what is known of the machine, and the doors to ask more.

Screens get a `Session` and own no logic; what they find out goes through `Inquiries`, which has the
real machine behind it or, in tests and dry runs, a recorded one.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from installer.draft import Assessment, Draft, Section
from installer.network_facts import Link
from installer.plan import Secret
from installer.probe import Machine


class Inquiries(Protocol):
    """Questions to the world. Each may take its time: screens ask them in threads, with a cancel
    token where they can be given up. Each raises PhotreeError with a sentence for the user."""

    def machine(self) -> Machine:
        """The disks, anew."""
        ...

    def links(self) -> Sequence[Link]:
        """The network interfaces, anew."""
        ...

    def hash_password(self, text: str) -> Secret: ...


@dataclass
class Session:
    """arch and media as in `Facts`. licence: the text to accept. sections: those that are asked;
    the others are given. machine: None until it was looked at. dry: nothing is written, whatever
    the user says. host_name: what the machine is called when the user does not mind.
    """

    inquiries: Inquiries
    arch: str
    media: Path | None = None
    licence: str = ""
    draft: Draft = field(default_factory=Draft)
    sections: tuple[Section, ...] = tuple(Section)
    machine: Machine | None = None
    dry: bool = False
    host_name: str = field(default_factory=lambda: f"photon-{secrets.token_hex(3)}")
    _sources: dict[str, Any] = field(default_factory=dict)

    def with_profile(self, profile: str) -> Draft:
        """The draft for another profile. What was said of the former one's source comes back when
        the user changes their mind again."""
        source = self.draft.get("ostree", default={})
        former = "custom" if "repo_url" in source else source.get("profile", "default")
        self._sources[former] = source
        if profile == former:
            known = source
        elif profile == "default":
            known = self._sources.get(profile, {"default_repo": True})
        else:
            known = self._sources.get(profile, {})
        return self.draft.with_value({**known, "profile": profile}, "ostree")

    def assess(self, draft: Draft) -> Assessment:
        """Everything that is to be said about a draft. Raises PlanError, CommandError."""
        from installer.kickstart.reading import Facts  # noqa: PLC0415 - loads pydantic

        facts = Facts(self.arch, self.media, name_suffix=self.host_name.removeprefix("photon-"))
        return draft.assess(facts, self.inquiries.hash_password)
