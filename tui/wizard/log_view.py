"""F2: the log of an installation, live."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Footer, Log, Static

from installer.watch import Watch

_SECONDS = 1.0  # between two looks: a serial line carries little
_AT_ONCE = 1000  # lines that are shown when the view opens


class LogView(Screen[None]):
    BINDINGS: ClassVar = [Binding("escape,f2,q", "close", "Close")]

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch
        self._told = 0

    def compose(self) -> ComposeResult:
        yield Static(" Photree  |  Log", id="heading")
        yield Log(max_lines=5000, id="log")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one("#log", Log).focus()
        self._add()
        self.set_interval(_SECONDS, self._add)

    def action_close(self) -> None:
        self.dismiss(None)

    def _add(self) -> None:
        self._told, lines = self._watch.lines(self._told)
        if lines:
            self.query_one("#log", Log).write_lines(lines[-_AT_ONCE:])
