"""The last question before disks are written, and other questions that want a clear yes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static


class Confirmation(ModalScreen[bool]):
    """True when exactly the word was typed, and nothing else makes it so."""

    BINDINGS: ClassVar = [Binding("escape", "give_up", "Back", priority=True)]

    def __init__(self, lost: Sequence[str], word: str, *, dry: bool = False) -> None:
        """lost: what will be destroyed. dry: say that nothing is."""
        super().__init__()
        self._lost = lost
        self._word = word
        self._dry = dry

    def compose(self) -> ComposeResult:
        with Vertical(id="confirmation"):
            yield Static("Install now?", id="form-heading", markup=False)
            with VerticalScroll(id="confirmation-body", can_focus=False):
                lost = "\n".join(self._lost) or "nothing: an image file is made"
                yield Static(f"This will be destroyed:\n{lost}", markup=False)
            if self._dry:
                yield Static("\nThis is a dry run: nothing is written.", markup=False)
            yield Static(f"\nType {self._word} and press Enter to install:", markup=False)
            yield Input(id="word", compact=True)
            yield Static("", id="refusal", markup=False)
            yield Static("Esc goes back, nothing is written", markup=False)

    def on_mount(self) -> None:
        self.query_one("#word", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._word:
            self.dismiss(True)
        else:
            self.query_one("#refusal", Static).update(f"This is not {self._word}.")

    def action_give_up(self) -> None:
        self.dismiss(False)


class Question(ModalScreen[bool]):
    """A question whose default answer is no."""

    BINDINGS: ClassVar = [
        Binding("escape,n", "answer(False)", "No"),
        Binding("y", "answer(True)", "Yes"),
    ]

    def __init__(self, text: str, yes: str, no: str) -> None:
        super().__init__()
        self._text = text
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Static(f"{self._text}\n", markup=False)
            with Horizontal(id="question-buttons"):
                yield Button(self._no, id="no", compact=True)
                yield Button(self._yes, id="yes", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
