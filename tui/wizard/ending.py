"""What the screens after an installation have in common."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Button, Footer, Static

from installer.watch import Watch
from tui.wizard.log_view import LogView
from tui.wizard.shell import open_shell

T = TypeVar("T")


class EndScreen(Screen[T], Generic[T]):
    """heading, and lines to be read; choices: (answer, what its button says)."""

    BINDINGS: ClassVar = [
        Binding("f2", "log", "Log"),
        Binding("f3", "shell", "Shell"),
    ]
    heading: ClassVar[str] = ""

    def __init__(self, watch: Watch | None) -> None:
        super().__init__()
        self._watch = watch

    def compose(self) -> ComposeResult:
        yield Static(f" Photree  |  {self.heading}", id="heading", markup=False)
        with VerticalScroll(id="body"):
            yield Static("\n".join(self.lines()), id="ending", markup=False)
        yield Static("", id="remarks", markup=False)
        with Horizontal(id="buttons"):
            for answer, label in self.choices():
                yield Button(label, id=f"choose-{answer}", compact=True)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query(Button).first().focus()

    def lines(self) -> list[str]:
        raise NotImplementedError

    def choices(self) -> list[tuple[str, str]]:
        raise NotImplementedError

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.action_choose((event.button.id or "").removeprefix("choose-"))

    def action_choose(self, answer: str) -> None:
        """What a button or key stands for; the answers are those of `choices`."""
        raise NotImplementedError

    def action_log(self) -> None:
        if self._watch is not None:
            self.app.push_screen(LogView(self._watch))

    def action_shell(self) -> None:
        self.query_one("#remarks", Static).update(open_shell(self.app))
