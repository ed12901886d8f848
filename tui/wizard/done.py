"""The installation is done."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.binding import Binding
from textual.widgets import Static

from engine.errors import PhotreeError
from engine.transactions.transaction import Result
from installer.interview import Session
from installer.watch import Watch
from tui.widgets.threads import in_thread
from tui.wizard.ending import EndScreen

_OFFERED = [("restart", "Restart"), ("power-off", "Power off"), ("quit", "Quit")]


class DoneScreen(EndScreen[None]):
    """Ends when the machine is on its way, or the user wants to stay here."""

    heading = "Done"
    BINDINGS: ClassVar = [
        Binding("r", "choose('restart')", "Restart"),
        Binding("o", "choose('power-off')", "Power off"),
        Binding("q", "choose('quit')", "Quit"),
    ]

    def __init__(self, session: Session, result: Result, watch: Watch) -> None:
        super().__init__(watch)
        self._session = session
        self._result = result
        self._dry = session.dry

    def lines(self) -> list[str]:
        lines = [self._result.message, ""]
        details = self._result.details
        if self._dry:
            return [*lines, "The steps and their times were those of a real installation."]
        if "log" in details:
            lines.append(f"The log is {details['log']}, here and on the installed machine.")
        if "kickstart" in details:
            lines.append(f"The kickstart is {details['kickstart']} on the installed machine.")
        return [*lines, "", "Take the medium out, or let the machine start from its disk."]

    def choices(self) -> list[tuple[str, str]]:
        return _OFFERED[-1:] if self._dry else _OFFERED

    def action_choose(self, answer: str) -> None:
        self._leave(answer)

    @work(exclusive=True)
    async def _leave(self, answer: str) -> None:
        """A machine that cannot restart says so."""
        if answer != "quit":
            inquiries = self._session.inquiries
            try:
                await in_thread(self, lambda: inquiries.restart(power_off=answer == "power-off"))
            except PhotreeError as error:
                self.query_one("#remarks", Static).update(f"{error.message} {error.hint}".strip())
                return
        self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A dry run restarts nothing."""
        return not (self._dry and action == "choose" and parameters != ("quit",))
