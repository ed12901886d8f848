"""The order of the wizard's pages, and the ways between them."""

from __future__ import annotations

from collections.abc import Sequence

from installer.draft import Section
from installer.interview import Session
from tui.wizard.disk import DiskPage
from tui.wizard.host import HostPage
from tui.wizard.network import NetworkPage
from tui.wizard.page import Move, Page
from tui.wizard.partitions import PartitionsPage
from tui.wizard.profile import ProfilePage
from tui.wizard.review import ReviewPage
from tui.wizard.source import SourcePage
from tui.wizard.welcome import WelcomePage

PAGES: tuple[type[Page], ...] = (
    WelcomePage,
    ProfilePage,
    SourcePage,
    DiskPage,
    PartitionsPage,
    NetworkPage,
    HostPage,
    ReviewPage,
)


class Flow:
    """Where the user is. pages: in their order; those of sections that are not asked, and those
    that the draft makes needless, are passed over. at_review: begin with the last page.

    Who goes from the last page to a section comes back from there, forwards and backwards.
    """

    def __init__(
        self, session: Session, pages: Sequence[type[Page]] = PAGES, *, at_review: bool = False
    ) -> None:
        self._session = session
        self._pages = tuple(pages)
        self._last = len(self._pages) - 1
        self._visiting: Section | None = None
        self._at = self._last if at_review else self._neighbour(-1, 1)

    @property
    def page(self) -> Page:
        """A new page for where the user is."""
        kind = self._pages[self._at]
        return kind(self._session, first=self._neighbour(self._at, -1) == self._at)

    def move(self, move: Move) -> bool:
        """Take a page's answers, go where it says; False after the last page."""
        self._session.draft = move.draft
        if move.to is not None:
            self._visit(move.to)
            return True
        target = self._neighbour(self._at, -1 if move.back else 1)
        if self._visiting is not None and self._pages[target].section is not self._visiting:
            self._visiting = None
            target = self._last
        ended = target == self._at and not move.back
        self._at = target
        return not ended

    def _visit(self, section: Section) -> None:
        """The first page of a section, also of one that was given and not asked."""
        self._session.ask(section)
        pages = range(len(self._pages))
        ours = (i for i in pages if self._pages[i].section is section and self._asked(i))
        self._at = next(ours, self._at)
        self._visiting = section if self._pages[self._at].section is section else None

    def _neighbour(self, index: int, step: int) -> int:
        """The next page that is asked, in a direction; index itself at the end."""
        target = index + step
        while 0 <= target < len(self._pages):
            if self._asked(target):
                return target
            target += step
        return index

    def _asked(self, index: int) -> bool:
        return self._pages[index].asked(self._session)
