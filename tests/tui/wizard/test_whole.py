"""The whole wizard in a dry session: from the welcome to the end, and all the ways beside."""

import json
import time

import pytest

from engine.errors import PhotreeError
from engine.jobs.outcome import Outcome
from engine.transactions.transaction import Result
from installer.draft import Draft
from installer.install import Install
from installer.kickstart.load import parse_kickstart
from installer.replay import ReplayedAttempt, ReplayedInstallations, recorded_events
from tests.tui.wizard.pilot import drive, screen_text, until
from tests.tui.wizard.wizards import ALL, SIZE, answered, session_of, wizard
from tui.wizard.confirm import Confirmation, Question
from tui.wizard.done import DoneScreen
from tui.wizard.failed import FailedScreen
from tui.wizard.log_view import LogView
from tui.wizard.progress import ProgressScreen
from tui.wizard.review import ReviewPage
from tui.wizard.welcome import WelcomePage

FAILURE = PhotreeError("It cannot start.", "Do something.", "line one\nline two")


class Gate:
    """Time that stands still until a test opens it."""

    def __init__(self):
        self.open = False
        self.passed = 0.0

    def wait(self, seconds):
        self.passed += seconds
        while not (self.open or self.cancelled.is_set()) and self.passed > 4:
            self.cancelled.wait(0.01)


class GatedInstallations(ReplayedInstallations):
    def __init__(self, gate):
        super().__init__(wait=gate.wait)
        self._gate = gate

    def start(self, install):
        attempt = super().start(install)
        self._gate.cancelled = attempt._cancelled
        self._gate.passed = 0.0
        return attempt


async def on(pilot, kind):
    await until(pilot, lambda: isinstance(pilot.app.screen, kind), kind.__name__)
    await pilot.pause()


async def confirm(pilot, word="vda"):
    """From the review to the installation."""
    await until(pilot, lambda: "WILL BE DESTROYED" in screen_text(pilot))
    await pilot.press("f10")
    await on(pilot, Confirmation)
    await pilot.press(*word, "enter")


def running(tmp_path, **more):
    """A wizard whose installation stands still after four of its seconds."""
    gate = Gate()
    session = session_of(tmp_path, **more)
    session.inquiries.installations = GatedInstallations(gate)
    return session, gate


async def started(pilot):
    await on(pilot, WelcomePage)
    await pilot.press("f10")
    await on(pilot, ReviewPage)
    await confirm(pilot)
    await on(pilot, ProgressScreen)


def test_from_the_welcome_over_every_page_to_the_end(tmp_path):
    """Every page's answers are those of the draft, so Next is enough; what is installed then is
    what the draft said."""

    async def story():
        session = session_of(tmp_path, sections=ALL)
        app = wizard(session)
        async with app.run_test(size=SIZE) as pilot:
            await on(pilot, WelcomePage)
            seen = []
            while not isinstance(app.screen, ReviewPage):
                page = app.screen
                seen.append(page.heading)
                await pilot.press("f10")
                await until(pilot, lambda page=page: app.screen is not page, page.heading)
            assert seen[0] == "Welcome"
            assert len(seen) >= 6
            await confirm(pilot)
            await on(pilot, DoneScreen)
            assert "This was a dry run" in screen_text(pilot)
            await pilot.press("q")
        assert app.return_value == 0
        (install,) = session.inquiries.installations.started
        assert json.loads(install.kickstart)["hostname"] == "photon-host-def"
        parse_kickstart(install.kickstart, "k")

    drive(story)


def test_no_answer_is_lost_on_the_way_back(tmp_path):
    async def story():
        session = session_of(tmp_path, sections=ALL)
        app = wizard(session)
        before = session.draft.keys
        async with app.run_test(size=SIZE) as pilot:
            for key, end in (("f10", ReviewPage), ("escape", WelcomePage)):
                while not isinstance(app.screen, end):
                    page = app.screen
                    await pilot.press(key)
                    await until(pilot, lambda page=page: app.screen is not page, str(page))
            after = session.draft.keys
            assert {name: after[name] for name in before if name in after} == before

    drive(story)


def test_progress_has_steps_times_a_bar_and_what_is_left(tmp_path):
    async def story():
        session, gate = running(tmp_path)
        app = wizard(session)
        async with app.run_test(size=SIZE) as pilot:
            await started(pilot)
            await until(pilot, lambda: "MB of" in screen_text(pilot))
            text = screen_text(pilot)
            assert "[x] Partition the disk" in text
            assert "[>] Copy the tree" in text
            assert "[ ] Deploy the tree" in text
            assert " %\n" in text
            assert "MB/s" in text
            assert "dry run: nothing is written" in text
            gate.open = True
            await on(pilot, DoneScreen)

    drive(story)


def test_the_log_is_live_and_closes_with_the_installation(tmp_path):
    async def story():
        session, gate = running(tmp_path)
        app = wizard(session)
        async with app.run_test(size=SIZE) as pilot:
            await started(pilot)
            await pilot.press("f2")
            await on(pilot, LogView)
            await until(pilot, lambda: "== Copy the tree" in screen_text(pilot))
            await pilot.press("escape")
            await on(pilot, ProgressScreen)
            await pilot.press("f2")
            await on(pilot, LogView)
            gate.open = True
            await on(pilot, DoneScreen)
            await pilot.press("f2")
            await on(pilot, LogView)
            await until(pilot, lambda: "== done" in screen_text(pilot))

    drive(story)


def test_cancelling_asks_once_then_stops_and_keeps_the_answers(tmp_path):
    async def story():
        session, _gate = running(tmp_path)
        app = wizard(session)
        async with app.run_test(size=SIZE) as pilot:
            await started(pilot)
            await pilot.press("escape")
            await on(pilot, Question)
            await pilot.press("enter")  # the button that has the focus says: go on
            await on(pilot, ProgressScreen)
            await pilot.press("escape")
            await on(pilot, Question)
            await pilot.press("y")
            await on(pilot, FailedScreen)
            assert "Cancelled." in screen_text(pilot)
            assert "At the step: Copy the tree" in screen_text(pilot)
            await pilot.press("a")
            await on(pilot, ReviewPage)
            assert session.draft.get("hostname") == "photon-host-def"

    drive(story)


def test_a_question_that_is_open_at_the_end_closes(tmp_path):
    async def story():
        session, gate = running(tmp_path)
        app = wizard(session)
        async with app.run_test(size=SIZE) as pilot:
            await started(pilot)
            await pilot.press("escape")
            await on(pilot, Question)
            gate.open = True
            await on(pilot, DoneScreen)

    drive(story)


def test_leaving_the_wizard_leaves_the_installation_alone(tmp_path):
    async def story():
        session, gate = running(tmp_path)
        app = wizard(session)
        async with app.run_test(size=SIZE) as pilot:
            await started(pilot)
            app.exit(None)
            assert not gate.cancelled.is_set()
            gate.open = True

    drive(story)


def test_what_cannot_start_says_why_and_can_be_retried(tmp_path):
    async def story():
        session = session_of(tmp_path)
        session.inquiries.installations = ReplayedInstallations(failure=FAILURE)
        app = wizard(session)
        async with app.run_test(size=SIZE) as pilot:
            await on(pilot, WelcomePage)
            await pilot.press("f10")
            await on(pilot, ReviewPage)
            await confirm(pilot)
            await on(pilot, FailedScreen)
            text = screen_text(pilot)
            for part in ("It cannot start.", "Do something.", "line two", "Retry starts over"):
                assert part in text
            session.inquiries.installations = ReplayedInstallations(wait=lambda _seconds: None)
            await pilot.press("r")
            await on(pilot, DoneScreen)

    drive(story)


class Resumable(ReplayedInstallations):
    """What it starts fails once, and can be gone on with."""

    def start(self, install):
        attempt = super().start(install)
        if len(self.started) == 1:
            attempt.outcome = Outcome(0.0, error=PhotreeError("The transfer broke off."))
        return attempt

    def can_resume(self, install):
        return True


def test_a_transfer_that_broke_off_is_gone_on_with(tmp_path):
    async def story():
        session = session_of(tmp_path)
        installations = session.inquiries.installations = Resumable(wait=lambda _seconds: None)
        app = wizard(session)
        async with app.run_test(size=SIZE) as pilot:
            await on(pilot, WelcomePage)
            await pilot.press("f10")
            await on(pilot, ReviewPage)
            await confirm(pilot)
            await on(pilot, FailedScreen)
            assert "Retry goes on with the transfer" in screen_text(pilot)
            assert "Retry the transfer" in screen_text(pilot)
            await pilot.press("r")
            await on(pilot, DoneScreen)
        assert [install.resume for install in installations.started] == [False, True]

    drive(story)


def test_after_a_failure_one_may_have_had_enough(tmp_path):
    async def story():
        session = session_of(tmp_path)
        session.inquiries.installations = ReplayedInstallations(failure=FAILURE)
        app = wizard(session)
        async with app.run_test(size=SIZE) as pilot:
            await on(pilot, WelcomePage)
            await pilot.press("f10")
            await on(pilot, ReviewPage)
            await confirm(pilot)
            await on(pilot, FailedScreen)
            await pilot.press("f3")
            await until(pilot, lambda: "cannot show a shell" in screen_text(pilot))
            await pilot.press("q")
        assert app.return_value == 130

    drive(story)


class Ends(ReplayedAttempt):
    def __init__(self, result):
        install = Install(kickstart=json.dumps({"hostname": "other"}), target="/dev/vda")
        super().__init__(install, recorded_events(), None)
        self.outcome = Outcome(0.0, result)


RESULT = Result(
    True, "Installed it.", details={"log": "/var/log/x.log", "kickstart": "/root/k.json"}
)


def test_an_installation_that_runs_already_is_shown_at_once(tmp_path):
    async def story():
        session = session_of(tmp_path, Draft(), dry=False)
        app = wizard(session, attempt=Ends(RESULT))
        async with app.run_test(size=SIZE) as pilot:
            await on(pilot, DoneScreen)
            text = screen_text(pilot)
            for part in ("Installed it.", "/var/log/x.log", "/root/k.json", "Restart", "Power off"):
                assert part in text
            assert session.draft.get("hostname") == "other"

    drive(story)


@pytest.mark.parametrize(("key", "asked"), [("r", ["restart"]), ("o", ["off"]), ("q", [])])
def test_the_end_restarts_or_switches_off(tmp_path, key, asked):
    async def story():
        session = session_of(tmp_path, dry=False)
        app = wizard(session, attempt=Ends(RESULT))
        async with app.run_test(size=SIZE) as pilot:
            await on(pilot, DoneScreen)
            await pilot.press(key)
            await until(pilot, lambda: not app.is_running or app.return_value is not None)
        assert session.inquiries.restarts == asked
        assert app.return_value == 0

    drive(story)


def test_a_machine_that_does_not_restart_says_so(tmp_path):
    async def story():
        session = session_of(tmp_path, dry=False)

        def restart(*, power_off):
            raise PhotreeError("No systemd here.")

        session.inquiries.restart = restart
        app = wizard(session, attempt=Ends(RESULT))
        async with app.run_test(size=SIZE) as pilot:
            await on(pilot, DoneScreen)
            await pilot.press("r")
            await until(pilot, lambda: "No systemd here." in screen_text(pilot))

    drive(story)


def test_given_answers_with_mistakes_get_their_page(tmp_path):
    async def story():
        session = session_of(tmp_path, answered(tmp_path, hostname="a b"))
        app = wizard(session)
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: bool(session.sections))
            await pilot.press("f10")
            await until(pilot, lambda: not isinstance(app.screen, WelcomePage))
            assert app.screen.heading == "Host"
            await pilot.press("f10")
            await until(pilot, lambda: "must be a host name" in screen_text(pilot))

    drive(story)


@pytest.mark.parametrize(("elapsed", "looks"), [(10.0, 1), (600.0, 0)])
def test_on_a_serial_line_a_long_installation_is_shown_less_often(tmp_path, elapsed, looks):
    attempt = Ends(RESULT)
    attempt.started = time.time() - elapsed
    screen = ProgressScreen(attempt, plain=True)
    shown = []
    screen._show = lambda: shown.append(1)
    screen._shown = time.monotonic() - 2.0
    screen._tick()
    assert len(shown) == looks
