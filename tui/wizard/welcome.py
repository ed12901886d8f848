"""The first page: what this is, and the licence."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from tui.wizard.page import Page

_WELCOME = (
    "This installs Photon OS as one versioned tree: the whole system is upgraded, and taken back,"
    " in one step.\n\n"
    "Nothing is written to a disk before you have seen, on the last page, what will be lost.\n"
)


class WelcomePage(Page):
    heading = "Welcome"
    next_label = "Accept and go on"
    help_text = (
        "Tab and Shift-Tab go from field to field, Enter presses a button, Space chooses in a list."
        " F10 goes on, Esc goes back: no answer is lost on the way. F1 explains the field that has"
        " the focus."
    )

    def compose_body(self) -> ComposeResult:
        yield Static(_WELCOME, markup=False)
        yield Static(self.session.licence, id="licence", markup=False)
