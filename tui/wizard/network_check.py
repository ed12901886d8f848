"""The test of the network's answers: a line for each thing that was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.cancel import CancelToken
from engine.errors import Cancelled, PhotreeError
from installer.interview import Session
from installer.network_answers import Row
from installer.network_test import Finding
from tui.widgets.threads import in_thread

_NOTE = "The installer's own network is not changed. [--] could not be told."


class NetworkCheck(ModalScreen[None]):
    """Esc stops the test and closes. url: of the server that updates come from."""

    BINDINGS: ClassVar = [Binding("escape,enter,q", "close", "Close")]

    @dataclass
    class Found(Message):
        finding: Finding

    def __init__(self, session: Session, rows: Sequence[Row], url: str) -> None:
        super().__init__()
        self._session = session
        self._rows = rows
        self._url = url
        self._cancel = CancelToken()
        self._lines: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="check"):
            yield Static("Test of the network", id="form-heading", markup=False)
            with VerticalScroll(id="check-body"):
                yield Static("", id="findings", markup=False)
            yield Static("testing ...  Esc stops", id="check-state", markup=False)
            yield Static(_NOTE, markup=False)

    def on_mount(self) -> None:
        self.run_worker(self._examine())

    def on_unmount(self) -> None:
        self._cancel.cancel()

    def action_close(self) -> None:
        self._cancel.cancel()
        self.dismiss(None)

    async def _examine(self) -> None:
        try:
            await in_thread(self, self._tell_all)
        except Cancelled:
            return
        except PhotreeError as error:
            self._add(f"[!!] {error.message} {error.hint}".rstrip())
        self.query_one("#check-state", Static).update("done.  Esc closes")

    def _tell_all(self) -> None:
        """In a thread."""
        inquiries = self._session.inquiries
        for finding in inquiries.examine_network(self._rows, self._url, self._cancel):
            self._cancel.check()
            self.post_message(self.Found(finding))

    @on(Found)
    def _show(self, event: Found) -> None:
        self._add(str(event.finding))

    def _add(self, line: str) -> None:
        self._lines.append(line)
        self.query_one("#findings", Static).update("\n".join(self._lines))
        self.query_one("#check-body").scroll_end(animate=False)
