"""One network interface: DHCP, addresses of its own, or off; or a new VLAN."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from installer.draft import Remark
from installer.interview import Session
from installer.network_answers import (
    Method,
    NetworkAnswers,
    Row,
    Settings,
    method_of,
    settings_by,
    with_settings,
    words,
)
from tui.widgets.choices import Choice, ChoiceField, ChoiceList
from tui.widgets.fields import Field, Key, TextField
from tui.widgets.threads import in_thread
from tui.wizard.form import Form

_NEW = "new"  # stands for the id that a VLAN gets at the end
_METHODS = (
    Choice(Method.DHCP4, "DHCP for IPv4"),
    Choice(Method.DHCP, "DHCP for IPv4 and IPv6"),
    Choice(Method.DHCP6, "DHCP for IPv6"),
    Choice(Method.STATIC, "Static addresses"),
    Choice(Method.BOTH, "Static addresses, and DHCP as given"),
    Choice(Method.OFF, "Off"),
)


class InterfaceEditor(Form[Row]):
    """row: the interface; None: a VLAN is added to one of those in answers."""

    help_text: ClassVar[str] = (
        "How this interface of the installed machine gets its addresses. The installer's own"
        " network stays as it is."
    )

    def __init__(self, session: Session, answers: NetworkAnswers, row: Row | None) -> None:
        super().__init__(f"Interface {row.name}" if row else "A new VLAN")
        self._session = session
        self._answers = answers
        self._row = row
        self._settings = row.settings if row else Settings(dhcp4=True)
        self._path: tuple[Key, ...] = row.path if row else ("network", "vlans", _NEW)
        self._confirmed: Row | None = None

    def compose_body(self) -> ComposeResult:
        given = self._settings
        if self._row is None:
            yield from self._compose_vlan()
        else:
            yield Static(self._row.facts, id="facts", markup=False)
        method = method_of(given)
        yield ChoiceField(
            "How does it get its addresses?",
            [each for each in _METHODS if each.id != Method.BOTH or method is Method.BOTH],
            path=(*self._path, "dhcp4"),
            help_text="DHCP: a server in the network gives address, gateway and name servers."
            " Static addresses are written by you. Off: it is left alone.",
            chosen=[method],
            id="method",
        )
        yield TextField(
            "Addresses",
            path=(*self._path, "addresses"),
            help_text="IPv4 or IPv6 addresses with their prefix length, divided by blanks:"
            " 192.0.2.10/24 is the address 192.0.2.10 in a network of 256.",
            value=" ".join(given.addresses),
            placeholder="such as 192.0.2.10/24",
            id="addresses",
        )
        yield TextField(
            "Gateway",
            path=(*self._path, "gateway"),
            help_text="The router that leads out of the network; empty for none.",
            value=given.gateway,
            placeholder="such as 192.0.2.1",
            id="gateway",
        )
        yield TextField(
            "Name servers (DNS)",
            path=(*self._path, "nameservers", "addresses"),
            help_text="IP addresses, divided by blanks. With DHCP they come beside those that it"
            " gives; empty for none.",
            value=" ".join(given.nameservers),
            placeholder="such as 192.0.2.53",
            id="nameservers",
        )
        yield TextField(
            "Search domains",
            path=(*self._path, "nameservers", "search"),
            help_text="Domains, divided by blanks, in which short names of machines are looked"
            " for; empty for none.",
            value=" ".join(given.search),
            placeholder="such as example.com",
            id="search",
        )

    def _compose_vlan(self) -> ComposeResult:
        below = [row for row in self._answers.rows if row.carries_vlans]
        yield ChoiceField(
            "On which interface?",
            [Choice(row.id, row.name) for row in below],
            path=(*self._path, "link"),
            help_text="The card whose cable carries the VLAN.",
            chosen=[row.id for row in below[:1]],
            id="link",
        )
        yield TextField(
            "Number of the VLAN",
            path=(*self._path, "id"),
            help_text="Its tag, 1 to 4094, as the switch knows it.",
            placeholder="such as 100",
            id="number",
        )

    def on_mount(self) -> None:
        self._show_fields()
        next(iter(self.query(Field))).focus_input()

    @on(ChoiceList.Chosen)
    def _show_fields(self) -> None:
        """Those that the method needs."""
        method = self._method
        for id in ("addresses", "gateway"):
            self.query_one(f"#{id}").display = method in (Method.STATIC, Method.BOTH)
        for id in ("nameservers", "search"):
            self.query_one(f"#{id}").display = method is not Method.OFF

    async def finish(self) -> Row | tuple[Remark, ...]:
        settings = self._read()
        row = self._base()
        if row is None:
            return (Remark((*self._path, "id"), "must be a number from 1 to 4094"),)
        row = replace(row, keys=with_settings(row.keys, settings), given=True)
        if self._method in (Method.STATIC, Method.BOTH) and not settings.addresses:
            hint = "such as 192.0.2.10/24"
            return (Remark((*self._path, "addresses"), "an address is missing", hint),)
        changed = self._answers.with_row(row)
        found = await in_thread(
            self, lambda: self._session.assess(changed.into(self._session.draft))
        )
        problems = self._ours(row, [*found.problems, *changed.problems()])
        doubts = self._ours(row, found.warnings)
        if problems or (doubts and row != self._confirmed):
            self._confirmed = row
            return problems or (*doubts, Remark((), "OK again takes it as it is."))
        return row

    @property
    def _method(self) -> Method:
        return Method(self.query_one("#method", ChoiceField).value)

    def _read(self) -> Settings:
        def text(id: str) -> str:
            return self.query_one(f"#{id}", TextField).value

        filled = replace(
            self._settings,
            addresses=words(text("addresses")),
            gateway=text("gateway"),
            nameservers=words(text("nameservers")),
            search=words(text("search")),
        )
        return settings_by(self._method, filled)

    def _base(self) -> Row | None:
        """The row that is changed; None while a new VLAN has no number."""
        if self._row is not None:
            return self._row
        number = self.query_one("#number", TextField).value
        if not number.isascii() or not number.isdecimal() or not 1 <= int(number) <= 4094:
            return None
        below = self._answers.row("ethernets", self.query_one("#link", ChoiceField).value)
        return self._answers.new_vlan(below, int(number))

    def _ours(self, row: Row, remarks: list[Remark] | tuple[Remark, ...]) -> tuple[Remark, ...]:
        """Those on the row, by the paths of the form's fields."""
        length = len(row.path)
        return tuple(
            replace(remark, path=(*self._path, *remark.path[length:]))
            for remark in remarks
            if remark.path[:length] == row.path
        )
