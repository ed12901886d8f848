"""What an installation does, while it does it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widgets import Footer, Static

from engine.errors import PhotreeError
from engine.events import Event, StepFinished, StepStarted
from engine.jobs.outcome import Outcome
from installer.installations import Attempt
from installer.watch import State, StepView, View, Watch, bar_text, clock_text
from tui.console import progress_text
from tui.widgets.threads import in_thread
from tui.wizard.confirm import Question
from tui.wizard.log_view import LogView

_SECONDS = 1.0  # between two looks
# A serial line carries 1 to 10 KB a second: there the looks become rarer, so that an hour costs
# little more than ten minutes.
_SLOWER = 60.0
_POSTED = 0.1  # seconds between two messages of the thread that follows
_BAR = 60
_MARKS = {State.WAITING: "[ ]", State.RUNNING: "[>]", State.DONE: "[x]", State.FAILED: "[!]"}
_CANCEL = "Stop the installation?"
_LOST = "\n\nThe disk may have lost what was on it already, and will not start a machine."


@dataclass(frozen=True)
class Ended:
    """How an installation ended. watch: has its log."""

    outcome: Outcome
    watch: Watch


class ProgressScreen(Screen[Ended]):
    """Ends with the installation; it goes on when the screen is gone before."""

    BINDINGS: ClassVar = [
        Binding("f2", "log", "Log"),
        Binding("escape", "cancel", "Cancel"),
    ]

    class Moved(Message):
        """There is something new to be seen. One of a burst is enough."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, ProgressScreen.Moved)

    def __init__(self, attempt: Attempt, *, dry: bool = False, plain: bool = False) -> None:
        """plain: the terminal may be a serial line."""
        super().__init__()
        self._attempt = attempt
        self._dry = dry
        self._plain = plain
        self._shown = 0.0
        self._watch = Watch(attempt.steps, attempt.started)
        self._gone = False
        self._posted = 0.0
        self._cancelling = False
        self._steps: tuple[StepView, ...] = ()

    def compose(self) -> ComposeResult:
        dry = "  (dry run: nothing is written)" if self._dry else ""
        yield Static(f" Photree  |  Installing{dry}", id="heading", markup=False)
        yield Static("", id="bar", markup=False)
        yield Static("", id="detail", markup=False)
        self._steps = self._watch.view().steps
        with VerticalScroll(id="steps"):
            for step in self._steps:
                yield Static(step_text(step), markup=False, classes="step")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._show()
        self.set_interval(_SECONDS, self._tick)
        self._follow()

    def on_unmount(self) -> None:
        self._gone = True

    def action_log(self) -> None:
        self.app.push_screen(LogView(self._watch))

    @work(exclusive=True, group="cancel")
    async def action_cancel(self) -> None:
        if self._cancelling:
            return
        text = _CANCEL if self._dry else _CANCEL + _LOST
        if await self.app.push_screen_wait(Question(text, "Stop it", "Go on")):
            self._cancelling = True
            self._show()
            await in_thread(self, self._attempt.cancel)

    @work(exclusive=True, group="follow")
    async def _follow(self) -> None:
        try:
            outcome = await in_thread(
                self, lambda: self._attempt.follow(self._take, lambda: self._gone)
            )
        except (OSError, PhotreeError) as error:  # its folder was removed
            outcome = Outcome(time.time(), error=PhotreeError(f"The job is lost: {error}."))
        if outcome is not None:
            await self._leave(outcome)

    async def _leave(self, outcome: Outcome) -> None:
        """Also from below a log or a question that is open."""
        while self.app.screen is not self and self in self.app.screen_stack:
            await self.app.pop_screen()
        self.dismiss(Ended(outcome, self._watch))

    def _take(self, event: Event) -> None:
        """In the thread that follows."""
        self._watch(event)
        now = time.monotonic()
        if isinstance(event, StepStarted | StepFinished) or now - self._posted >= _POSTED:
            self._posted = now
            MessagePump.post_message(self, self.Moved())

    @on(Moved)
    def _look(self) -> None:
        """At once when a step has begun or ended; all else can wait for the next second."""
        if [step.state for step in self._watch.view().steps] != [
            step.state for step in self._steps
        ]:
            self._show()

    def _tick(self) -> None:
        passed = time.monotonic() - self._shown
        if not self._plain or passed >= self._watch.view().elapsed / _SLOWER:
            self._show()

    def _show(self) -> None:
        if self.app.screen is not self:
            return
        self._shown = time.monotonic()
        view = self._watch.view()
        self._say("#bar", _overall(view))
        self._say("#detail", _detail(view, self._cancelling))
        self._show_steps(view.steps)

    def _say(self, id: str, text: str) -> None:
        """Only what has changed costs bytes on the line."""
        widget = self.query_one(id, Static)
        if str(widget.content) != text:
            widget.update(text, layout=False)

    def _show_steps(self, steps: tuple[StepView, ...]) -> None:
        place = self.query_one("#steps", VerticalScroll)
        rows = list(place.query(Static))
        for number, step in enumerate(steps):
            if number >= len(rows):
                place.mount(Static(step_text(step), markup=False, classes="step"))
            elif number >= len(self._steps) or step != self._steps[number]:
                rows[number].update(step_text(step), layout=False)
                if step.state is State.RUNNING:
                    place.scroll_to_widget(rows[number], animate=False)
        self._steps = steps


def step_text(step: StepView) -> str:
    time_text = "" if step.state is State.WAITING else clock_text(step.seconds)
    return f"{_MARKS[step.state]} {step.title:<56} {time_text:>8}"


def _overall(view: View) -> str:
    percent = f"{100 * view.fraction:3.0f} %"
    left = f", about {clock_text(view.left)} left" if view.left is not None else ""
    return f"{bar_text(view.fraction, _BAR)} {percent}\n{clock_text(view.elapsed)} passed{left}"


def _detail(view: View, cancelling: bool) -> str:
    if cancelling:
        return "Stopping ..."
    return progress_text(view.progress) if view.progress is not None else ""
