"""Pages of the wizard at 80x24, with keys pressed by the test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

import tui
from installer.interview import Session
from tui.theme import PHOTREE
from tui.wizard.page import Move, Page

SIZE = (80, 24)
STYLES = Path(tui.__file__).parent / "photree.tcss"
_TURNS = 500


class PageApp(App[None]):
    """Shows one page, and keeps how it was left."""

    CSS_PATH = STYLES
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.register_theme(PHOTREE)
        self.theme = PHOTREE.name
        self.page = page
        self.move: Move | None = None

    def on_mount(self) -> None:
        self.push_screen(self.page, self._keep)

    def _keep(self, move: Move | None) -> None:
        self.move = move


def drive(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test's coroutine to its end."""
    asyncio.run(story())


@asynccontextmanager
async def shown(kind: type[Page], session: Session) -> AsyncIterator[Pilot]:
    """The page on a screen; `pilot.app` is its PageApp."""
    app = PageApp(kind(session))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        yield pilot


async def until(pilot: Pilot, condition: Callable[[], bool], what: str = "") -> None:
    """Let the app work until condition holds."""
    for _ in range(_TURNS):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"{what or 'it'} did not come about:\n{screen_text(pilot)}")


def screen_text(pilot: Pilot) -> str:
    """What the terminal shows, line by line."""
    compositor = pilot.app.screen._compositor
    strips = compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def remarks(pilot: Pilot) -> str:
    """What is said below the page's body."""
    return str(pilot.app.screen.query_one("#remarks", Static).content)
