"""The last page: what will be lost and what will be made, before anything is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from engine.cancel import CancelToken
from engine.errors import Cancelled, PhotreeError
from installer.draft import Remark, Section, section_of
from installer.interview import Session
from installer.review import Review, review
from tui.widgets.threads import in_thread
from tui.wizard.confirm import Confirmation
from tui.wizard.kickstart_view import KickstartView
from tui.wizard.page import Move, Page

if TYPE_CHECKING:  # loads pydantic
    from installer.install import Install

_LOOKING = "Looking at the disks, and asking the source what it has ..."
_NOT_YET = "The installation cannot start yet: see what is marked with [!!]."
_HELP = (
    "Read what will be destroyed. The keys 1 to 5 go to the answers, and F10 from there comes back"
    " here. K shows the kickstart that gives the same machine again, and can save it. Nothing is"
    " written before you have typed what is asked for after F10."
)


@dataclass(frozen=True)
class Confirmed(Move):
    """The only way to an installation: the user has typed the word that the review asks for."""

    install: Install | None = None


class ReviewPage(Page):
    heading = "Review"
    next_label = "Install ..."
    help_text = _HELP
    BINDINGS: ClassVar = [
        Binding("1", "change('source')", "Source"),
        Binding("2", "change('disk')", "Disk"),
        Binding("3", "change('partitions')", "Parts"),
        Binding("4", "change('network')", "Net"),
        Binding("5", "change('host')", "Host"),
        Binding("k", "kickstart", "Kickstart"),
        Binding("d", "leave_out", "Leave out", show=False),
        Binding("f5", "look", "Again", show=False),
    ]

    def __init__(self, session: Session, *, first: bool = False) -> None:
        super().__init__(session, first=first)
        self._review: Review | None = None
        self._cancel = CancelToken()

    def compose_body(self) -> ComposeResult:
        yield Static(_LOOKING, id="review", markup=False)

    def on_mount(self) -> None:
        body = self.query_one("#body")
        body.can_focus = True
        body.focus()
        self.action_look()

    def on_unmount(self) -> None:
        self._cancel.cancel()

    @work(exclusive=True, group="review")
    async def action_look(self) -> None:
        self._review = None
        self._say(_LOOKING)
        session = self.session
        try:
            found = await in_thread(self, lambda: review(session, session.draft, self._cancel))
        except Cancelled:
            return
        except PhotreeError as error:
            found = Review(problems=(Remark((), error.message, error.hint),))
        self._review = found
        self._say("\n".join(_lines(found, session.dry)))

    def action_change(self, section: str) -> None:
        self.dismiss(Move(self.session.draft, to=Section(section)))

    def action_kickstart(self) -> None:
        if self._review is not None and self._review.kickstart:
            self.app.push_screen(KickstartView(self.session, self._review.kickstart))

    def action_leave_out(self) -> None:
        if self._review is not None and self._review.unknown:
            self.session.draft = self.session.draft.without(*self._review.unknown)
            self.action_look()

    def action_forward(self) -> None:
        self._confirm()

    @work(exclusive=True)
    async def _confirm(self) -> None:
        found = self._review
        if found is None or found.install is None:
            self.query_one("#remarks", Static).update(_NOT_YET if found else _LOOKING)
            return
        question = Confirmation(found.lost, found.word, dry=self.session.dry)
        if await self.app.push_screen_wait(question):
            self.dismiss(Confirmed(self.session.draft, install=found.install))

    def _say(self, text: str) -> None:
        self.query_one("#review", Static).update(text)
        self.query_one("#remarks", Static).update("")


def _lines(found: Review, dry: bool) -> Iterator[str]:
    if dry:
        yield "This is a dry run: nothing of this will be done.\n"
    for remark in found.problems:
        yield f"[!!] {_place(remark)}{remark}"
    if found.unknown:
        yield f"     Press D to leave out {', '.join(found.unknown)}: no page asks for it."
    for remark in found.warnings:
        yield f"[ !] {_place(remark)}{remark}"
    if found.problems or found.warnings:
        yield ""
    yield from found.lines


def _place(remark: Remark) -> str:
    """Where a remark can be mended, or at which key it is."""
    section = section_of(remark.path)
    if section is not None:
        return f"({[*Section].index(section) + 1}) "
    return f"{'.'.join(map(str, remark.path))}: " if remark.path else ""
