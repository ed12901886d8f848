"""F1: what a field or a page means."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static


class Explanation(ModalScreen[None]):
    """A text over the page, until a key is pressed."""

    BINDINGS: ClassVar = [
        Binding("escape,enter,f1,q", "close", "Close", priority=True),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(id="explanation"):
            yield Static(self._title, id="explanation-title", markup=False)
            yield Static(self._text, markup=False)
            yield Static("\nEsc closes", markup=False)

    def action_close(self) -> None:
        self.dismiss(None)
