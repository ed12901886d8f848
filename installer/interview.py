"""What a wizard works with: the draft, what is known of the machine, and the doors to ask more.

Screens get a `Session` and own no logic; what they find out goes through `Inquiries`, which has the
real machine behind it or, in tests and dry runs, a recorded one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from installer.draft import Assessment, Draft, Section

if TYPE_CHECKING:  # the first frame need not wait for them
    from engine.cancel import CancelToken
    from installer.branches import Branch, Offer, SigningKey
    from installer.disk_choices import Survey
    from installer.installations import Installations
    from installer.layout_draft import LayoutAnswers, PartitionRow
    from installer.layout_view import LayoutView
    from installer.network_answers import Row
    from installer.network_facts import Link
    from installer.network_test import Finding
    from installer.plan import Secret, Source
    from installer.probe import Machine
    from installer.sticks import Stick


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

    def examine_network(
        self, rows: Sequence[Row], url: str, cancel: CancelToken
    ) -> Iterator[Finding]:
        """What can be told of the network's settings, as it is found out. url: of the server the
        machine will follow. Nothing is changed. See `installer.network_test.examine`."""
        ...

    def fetch_keys(self, url: str, cancel: CancelToken) -> Sequence[str]:
        """The public SSH keys that an https URL serves, a line each."""
        ...

    def time_zones(self) -> Sequence[str]:
        """The names this machine knows; none where it has no table of them."""
        ...

    def offered(self, url: str, cancel: CancelToken) -> Offer:
        """The branches of a repository, as its summary lists them."""
        ...

    def measured(self, offer: Offer, cancel: CancelToken) -> Offer:
        """The same branches with what their commits say of version, date, size and packages."""
        ...

    def verified(
        self, url: str, ref: str, key: Path | None, commit: str | None, cancel: CancelToken
    ) -> Branch:
        """The branch, its signature checked with a key as the installation will; commit: exactly
        this one. See `installer.custom_source.verified`."""
        ...

    def signing_key(self, place: str, cancel: CancelToken) -> SigningKey:
        """The public keys in a file of this machine, or behind a URL, from where they are kept in a
        file."""
        ...

    def measure_source(self, source: Source, cancel: CancelToken) -> Branch:
        """The commit that will be installed, with its version and size as far as they are known."""
        ...

    def save_file(self, text: str, path: str) -> str:
        """Write a new file for its owner only; where it is. Refuses a file that exists."""
        ...

    def save_to_stick(self, text: str, stick: Stick, name: str) -> str:
        """Write a file of this name, or with a number, to a stick; where it is. The stick can be
        pulled out afterwards."""
        ...

    def restart(self, *, power_off: bool) -> None:
        """Restart this machine, or switch it off."""
        ...

    @property
    def installations(self) -> Installations:
        """Those of this machine, or in a dry session ones that only show."""
        ...


@dataclass
class Session:
    """arch and media as in `Facts`. licence: the text to accept. sections: those that are asked;
    the others are given. machine: None until it was looked at. dry: no disk is written, whatever
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
    _own_partitions: tuple[PartitionRow, ...] = ()

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

    def survey(self) -> Survey:
        """The disks, anew. Raises PhotreeError."""
        from installer.disk_choices import Survey, source_path  # noqa: PLC0415 - needed here only
        from installer.kickstart.draft_storage import least_storage  # noqa: PLC0415 - pydantic

        fixed = Section.PARTITIONS not in self.sections
        machine = self.inquiries.machine()
        least = least_storage(self.draft, self.arch, fixed=fixed)
        return Survey(machine, least, source_path(self.draft, self.media))

    def layout(self) -> LayoutAnswers:
        """The draft's partitions."""
        from installer.layout_draft import LayoutAnswers  # noqa: PLC0415 - needed here only

        return LayoutAnswers.of(self.draft, self._own_partitions)

    def with_layout(self, layout: LayoutAnswers) -> Draft:
        """The draft with another layout. Own partitions come back when the user changes their mind
        about the automatic ones."""
        self._own_partitions = layout.rows
        return layout.put_into(self.draft)

    def view_layout(self, draft: Draft) -> LayoutView:
        """What a draft's partitions come to on this machine."""
        from installer.kickstart.draft_storage import read_draft_storage  # noqa: PLC0415 - pydantic
        from installer.layout_view import view_layout  # noqa: PLC0415 - needed here only

        return view_layout(draft, read_draft_storage(draft, self.arch), self.machine)

    def assess(self, draft: Draft) -> Assessment:
        """Everything that is to be said about a draft. Raises PlanError, CommandError."""
        from installer.kickstart.reading import Facts  # noqa: PLC0415 - loads pydantic

        facts = Facts(self.arch, self.media, name_suffix=self.host_name.removeprefix("photon-"))
        return draft.assess(facts, self.inquiries.hash_password)

    def ask_what_is_wrong(self) -> None:
        """Also ask the sections that were given, but have problems. Raises PlanError."""
        if len(self.sections) < len(Section):
            found = self.assess(self.draft)
            self.ask(*(section for section in Section if found.of(section)))

    def ask(self, *sections: Section) -> None:
        """Ask these sections, too."""
        self.sections = tuple(each for each in Section if each in (*self.sections, *sections))
