"""What every page of the wizard has: title, body, remarks, keys; and its way back and on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Button, Footer, Static

from engine.errors import PhotreeError
from installer.draft import Draft, Remark, Section
from installer.interview import Session
from tui.widgets.fields import Field
from tui.widgets.threads import in_thread
from tui.wizard.explain import Explanation


@dataclass(frozen=True)
class Move:
    """How a page was left. draft: with its answers, right or wrong. to: the section to go to, None
    for the neighbour."""

    draft: Draft
    back: bool = False
    to: Section | None = None


class Page(Screen[Move]):
    """A question. Subclasses say what is in the body and which draft the fields' values make.

    section: what it asks for, None for pages without answers. help_text: what F1 says when no
    field has the focus.
    """

    BINDINGS: ClassVar = [
        Binding("f1", "explain", "Help"),
        Binding("escape", "back", "Back"),
        Binding("f10", "forward", "Next"),
    ]
    section: ClassVar[Section | None] = None
    heading: ClassVar[str] = ""
    help_text: ClassVar[str] = ""
    next_label: ClassVar[str] = "Next"

    def __init__(self, session: Session, *, first: bool = False) -> None:
        super().__init__()
        self.session = session
        self._first = first

    @classmethod
    def asked(cls, session: Session) -> bool:
        """Whether the wizard stops at this page."""
        return cls.section is None or cls.section in session.sections

    def compose(self) -> ComposeResult:
        yield Static(f" Photree  |  {self.heading}", id="heading")
        with VerticalScroll(id="body", can_focus=False):
            yield from self.compose_body()
        yield Static("", id="remarks", markup=False)
        with Horizontal(id="buttons"):
            if not self._first:
                yield Button("Back", id="back", compact=True)
            yield Button(self.next_label, id="forward", variant="primary", compact=True)
        yield Footer(show_command_palette=False, compact=True)

    def compose_body(self) -> ComposeResult:
        """The fields, filled from `session.draft`."""
        raise NotImplementedError

    def answer(self) -> Draft:
        """The draft with what the fields say, right or wrong."""
        return self.session.draft

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "back":
            self.action_back()
        elif event.button.id == "forward":
            self.action_forward()

    def action_back(self) -> None:
        if not self._first:
            self.dismiss(Move(self.answer(), back=True))

    def action_forward(self) -> None:
        self._check()

    def action_explain(self) -> None:
        """F1: the field that has the focus, or else the page."""
        explain_focus(self, self.heading, self.help_text)

    @work(exclusive=True)
    async def _check(self) -> None:
        """Leave, unless something is wrong with the answers of this page."""
        try:
            remarks = await self.find_problems(self.answer())
        except PhotreeError as error:
            remarks = (Remark((), error.message, error.hint),)
        if remarks:
            self.show(remarks)
        else:
            self.dismiss(Move(self.answer()))

    async def find_problems(self, draft: Draft) -> tuple[Remark, ...]:
        """What keeps the user on this page. Raises PhotreeError."""
        if self.section is None:
            return ()
        found = await in_thread(self, lambda: self.session.assess(draft))
        return found.of(self.section)

    def show(self, remarks: Iterable[Remark]) -> None:
        """Beside their fields; what belongs to none of them, at the bottom."""
        show_remarks(self, remarks)


def explain_focus(screen: Screen[Any], title: str, text: str) -> None:
    """Explain the field that has the focus, or else what title and text say."""
    path: Iterable[object] = screen.focused.ancestors_with_self if screen.focused else ()
    field = next((each for each in path if isinstance(each, Field)), None)
    if field is not None:
        title, text = field.label, field.help_text
    screen.app.push_screen(Explanation(title, text))


def show_remarks(screen: Screen[Any], remarks: Iterable[Remark]) -> None:
    """Beside the fields of a screen; what belongs to none of them, in its #remarks."""
    left = list(remarks)
    focused = False
    for field in screen.query(Field):
        ours = [remark for remark in left if field.owns(remark.path)]
        left = [remark for remark in left if remark not in ours]
        field.show([str(remark) for remark in ours])
        if ours and not focused:
            field.focus_input()
            focused = True
    screen.query_one("#remarks", Static).update("\n".join(map(str, left)))
