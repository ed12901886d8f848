"""A form over a page: what one thing of a list is like."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from engine.errors import PhotreeError
from installer.draft import Remark
from tui.wizard.page import explain_focus, show_remarks

T = TypeVar("T")


class Form(ModalScreen[T | None], Generic[T]):
    """Returns what was filled in; None when it was given up.

    help_text: what F1 says when no field has the focus.
    """

    BINDINGS: ClassVar = [
        Binding("f1", "explain", "Help"),
        Binding("escape", "give_up", "Cancel"),
        Binding("f10", "accept", "OK"),
    ]
    help_text: ClassVar[str] = ""

    def __init__(self, heading: str) -> None:
        super().__init__()
        self.heading = heading

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Static(self.heading, id="form-heading", markup=False)
            with VerticalScroll(id="form-body", can_focus=False):
                yield from self.compose_body()
            yield Static("", id="remarks", markup=False)
            with Horizontal(id="form-buttons"):
                yield Static("F1 Help  Esc Cancel  F10 OK", id="form-keys", markup=False)
                yield Button("Cancel", id="give-up", compact=True)
                yield Button("OK", id="accept", variant="primary", compact=True)

    def compose_body(self) -> ComposeResult:
        """The fields."""
        raise NotImplementedError

    async def finish(self) -> T | tuple[Remark, ...]:
        """What was filled in, or what is wrong with it. Raises PhotreeError."""
        raise NotImplementedError

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "give-up":
            self.action_give_up()
        elif event.button.id == "accept":
            self.action_accept()

    def action_explain(self) -> None:
        explain_focus(self, self.heading, self.help_text)

    def action_give_up(self) -> None:
        self.dismiss(None)

    def action_accept(self) -> None:
        self._accept()

    @work(exclusive=True)
    async def _accept(self) -> None:
        try:
            result = await self.finish()
        except PhotreeError as error:
            result = (Remark((), error.message, error.hint),)
        if isinstance(result, tuple):
            self.show(result)
        else:
            self.dismiss(result)

    def show(self, remarks: Iterable[Remark]) -> None:
        """Beside their fields, or at the bottom."""
        show_remarks(self, remarks)
