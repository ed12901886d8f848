"""The installed machine's network interfaces."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from engine.errors import PhotreeError
from installer.draft import Draft, Remark, Section
from installer.interview import Session
from installer.network_answers import NetworkAnswers, Row, answers_of
from installer.network_test import update_url
from tui.widgets.items import Item, ItemField, ItemList
from tui.widgets.threads import in_thread
from tui.wizard.interface_editor import InterfaceEditor
from tui.wizard.network_check import NetworkCheck
from tui.wizard.page import Page

_NONE = "No network card was found. Any Ethernet card the machine gets later asks DHCP."


class NetworkPage(Page):
    section = Section.NETWORK
    heading = "Network"
    help_text = (
        "Each interface asks a DHCP server, has static addresses, or is off. Below its name is what"
        " the installer sees of it now. Enter changes an interface, Delete takes a VLAN away, F5"
        " looks again, F6 tests what can be tested: cable, addresses, gateway, name servers, and"
        " the server that updates come from."
    )
    BINDINGS: ClassVar = [
        Binding("f5", "look", "Look again"),
        Binding("f6", "test", "Test"),
    ]

    def __init__(self, session: Session, *, first: bool = False) -> None:
        super().__init__(session, first=first)
        self._answers: NetworkAnswers = answers_of(session.draft)

    def compose_body(self) -> ComposeResult:
        yield ItemField(
            "Interfaces",
            path=("network",),
            help_text=self.help_text,
            add_label="Add a VLAN",
            id="interfaces",
        )
        yield Static("looking at the network cards ...", id="cards", markup=False)

    def on_mount(self) -> None:
        self._fill()
        self.action_look()

    def answer(self) -> Draft:
        return self._answers.into(self.session.draft)

    async def find_problems(self, draft: Draft) -> tuple[Remark, ...]:
        """Each with the interface it is about, since all are in one list."""
        found = [*await super().find_problems(draft), *self._answers.problems()]
        return tuple(
            replace(remark, message=f"{': '.join(map(str, remark.path[2:3]))}: {remark.message}")
            if len(remark.path) > 2
            else remark
            for remark in found
        )

    @work(exclusive=True, group="look")
    async def action_look(self) -> None:
        try:
            links = await in_thread(self, self.session.inquiries.links)
        except PhotreeError as error:
            said = f"The network cards are not known: {error.message} {error.hint}".rstrip()
        else:
            self._answers = replace(self._answers, links=tuple(links))
            said = "" if links else _NONE
        self.query_one("#cards", Static).update(said)
        self._fill()

    @work(exclusive=True, group="test")
    async def action_test(self) -> None:
        draft = self.answer()
        try:
            problems = await self.find_problems(draft)
        except PhotreeError as error:
            problems = (Remark((), error.message, error.hint),)
        self.show(problems)
        if not problems:
            url = update_url(draft, self.session.arch)
            self.app.push_screen(NetworkCheck(self.session, self._answers.rows, url))

    @on(ItemList.Opened)
    def _open(self, event: ItemList.Opened) -> None:
        self._edit(self._row(event.item))

    @on(ItemList.Added)
    def _add(self) -> None:
        if any(row.carries_vlans for row in self._answers.rows):
            self._edit(None)
        else:
            self.show([Remark(("network",), "a VLAN needs a network card below it")])

    @on(ItemList.Removed)
    def _remove(self, event: ItemList.Removed) -> None:
        row = self._row(event.item)
        reason = self._answers.undeletable(row)
        self.show([Remark(("network",), reason)] if reason else [])
        if not reason:
            self._answers = self._answers.without(row)
            self._fill()

    @work(exclusive=True, group="edit")
    async def _edit(self, row: Row | None) -> None:
        changed = await self.app.push_screen_wait(InterfaceEditor(self.session, self._answers, row))
        if changed is not None:
            self._answers = self._answers.with_row(changed)
            self._fill()

    def _row(self, item: str) -> Row:
        section, _, id = item.partition("/")
        return self._answers.row(section, id)

    def _fill(self) -> None:
        items = [
            Item(f"{row.section}/{row.id}", f"{row.name}:  {row.settings}", row.facts)
            for row in self._answers.rows
        ]
        self.query_one("#interfaces", ItemField).list.fill(items)
