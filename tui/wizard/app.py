"""The wizard: one page after another, then the installation."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.driver import Driver

from engine.errors import PhotreeError
from installer.draft import Draft
from installer.interview import Session
from tui.theme import PHOTREE
from tui.widgets.threads import in_thread
from tui.wizard.welcome import WelcomePage

if TYPE_CHECKING:  # what comes later, which the first frame need not wait for
    from installer.install import Install
    from installer.installations import Attempt
    from tui.wizard.page import Move
    from tui.wizard.progress import Ended

EXIT_LEFT = 130


class WizardApp(App[int]):
    """Returns the exit code: 0 when a machine was installed, 130 when the wizard was left.

    driver_class: of a plain terminal. attempt: an installation that runs already, which is shown
    instead of the questions.
    """

    CSS_PATH = "../photree.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Photree"
    BINDINGS: ClassVar = []

    def __init__(
        self,
        session: Session,
        driver_class: type[Driver] | None = None,
        attempt: Attempt | None = None,
    ) -> None:
        super().__init__(driver_class=driver_class)
        self.register_theme(PHOTREE)
        self.theme = PHOTREE.name
        self._session = session
        self._attempt = attempt
        self._code = EXIT_LEFT
        self._plain = driver_class is not None

    def on_mount(self) -> None:
        self._work()
        if self._attempt is None:
            self.run_worker(self._look_ahead, thread=True, exit_on_error=False)

    def _look_ahead(self) -> None:
        """In a thread, while the first page is read."""
        import tui.wizard.flow  # noqa: PLC0415, F401 - all the other pages

        self._session.ask_what_is_wrong()

    @work
    async def _work(self) -> None:
        attempt = self._attempt
        install: Install | None
        if attempt is None:
            install = await self._ask()
        else:
            install = attempt.install
            self._session.draft = Draft(install.answers)
        while install is not None:
            ended = await self._install(install, attempt)
            install, attempt = await self._go_on(install, ended), None
        self.exit(self._code)

    async def _ask(self, *, at_review: bool = False) -> Install | None:
        """What the user has confirmed, after all the questions."""
        first: Move | None = None
        if not at_review:  # the first of all pages, while the others are loaded
            first = await self.push_screen_wait(WelcomePage(self._session, first=True))
        from tui.wizard.flow import Flow  # noqa: PLC0415 - see above
        from tui.wizard.review import Confirmed  # noqa: PLC0415

        flow = Flow(self._session, at_review=at_review)
        if first is not None:
            flow.move(first)
        while True:
            move = await self.push_screen_wait(flow.page)
            if isinstance(move, Confirmed):
                return move.install
            if not flow.move(move):
                return None

    async def _install(self, install: Install, attempt: Attempt | None) -> Ended:
        """To its end. attempt: when it runs already."""
        from engine.jobs.outcome import Outcome  # noqa: PLC0415 - see above
        from installer.watch import Watch  # noqa: PLC0415
        from tui.wizard.progress import Ended, ProgressScreen  # noqa: PLC0415

        installations = self._session.inquiries.installations
        try:
            if attempt is None:
                attempt = await in_thread(self, lambda: installations.start(install))
        except PhotreeError as error:
            return Ended(Outcome(time.time(), error=error), Watch((), time.time()))
        screen = ProgressScreen(attempt, dry=self._session.dry, plain=self._plain)
        return await self.push_screen_wait(screen)

    async def _go_on(self, install: Install, ended: Ended) -> Install | None:
        """What to install next: nothing when that was done, or the user has had enough."""
        from tui.wizard.done import DoneScreen  # noqa: PLC0415 - see above
        from tui.wizard.failed import FailedScreen, Way  # noqa: PLC0415

        error = ended.outcome.error
        if error is None:
            self._code = 0
            screen = DoneScreen(self._session, ended.outcome.get(), ended.watch)
            await self.push_screen_wait(screen)
            return None
        installations = self._session.inquiries.installations
        resumes = await in_thread(self, lambda: installations.can_resume(install))
        way = await self.push_screen_wait(
            FailedScreen(error, ended.watch, resumes=resumes, log=install.log)
        )
        if way is Way.RETRY:
            return replace(install, resume=resumes)
        return await self._ask(at_review=True) if way is Way.ANSWERS else None
