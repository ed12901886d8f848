"""The order of the wizard's pages, and the ways between them."""

from __future__ import annotations

from collections.abc import Sequence

from installer.draft import Section
from installer.interview import Session
from tui.wizard.page import Move, Page
from tui.wizard.profile import ProfilePage
from tui.wizard.welcome import WelcomePage

PAGES: tuple[type[Page], ...] = (WelcomePage, ProfilePage)


class Flow:
    """Where the user is. pages: in their order; those of sections that are not asked, and those
    that the draft makes needless, are passed over."""

    def __init__(self, session: Session, pages: Sequence[type[Page]] = PAGES) -> None:
        self._session = session
        self._pages = tuple(pages)
        self._at = self._neighbour(-1, 1)

    @property
    def page(self) -> Page:
        """A new page for where the user is."""
        kind = self._pages[self._at]
        return kind(self._session, first=self._neighbour(self._at, -1) == self._at)

    def move(self, move: Move) -> bool:
        """Take a page's answers, go where it says; False after the last page."""
        self._session.draft = move.draft
        if move.to is not None:
            self._at = self._index(move.to)
            return True
        target = self._neighbour(self._at, -1 if move.back else 1)
        ended = target == self._at and not move.back
        self._at = target
        return not ended

    def _index(self, section: Section) -> int:
        return next(i for i, page in enumerate(self._pages) if page.section is section)

    def _neighbour(self, index: int, step: int) -> int:
        """The next page that is asked, in a direction; index itself at the end."""
        target = index + step
        while 0 <= target < len(self._pages):
            if self._pages[target].asked(self._session):
                return target
            target += step
        return index
