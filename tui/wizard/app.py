"""The wizard: one page after another, then the installation."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import App
from textual.driver import Driver

from installer.interview import Session
from tui.theme import PHOTREE
from tui.wizard.flow import Flow


class WizardApp(App[int]):
    """Returns the exit code."""

    CSS_PATH = "../photree.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Photree"
    BINDINGS: ClassVar = []

    def __init__(self, session: Session, driver_class: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver_class)
        self.register_theme(PHOTREE)
        self.theme = PHOTREE.name
        self._session = session

    def on_mount(self) -> None:
        self._ask()

    @work
    async def _ask(self) -> None:
        flow = Flow(self._session)
        while flow.move(await self.push_screen_wait(flow.page)):
            pass
        self.exit(0)
