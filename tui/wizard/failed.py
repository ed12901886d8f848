"""The installation failed: why, and the ways on."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from textual.binding import Binding

from engine.errors import Cancelled, PhotreeError, PlanError
from installer.watch import State, Watch
from tui.wizard.ending import EndScreen

_DETAIL = 12  # lines
_RESUMES = (
    "Retry goes on with the transfer of the tree: the file systems are made, and what was"
    " transferred is kept."
)
_RESTARTS = "Retry starts over: the disk is written anew, from the first step on."


class Way(StrEnum):
    RETRY = "retry"
    ANSWERS = "answers"
    QUIT = "quit"


class FailedScreen(EndScreen[Way]):
    heading = "Not installed"
    BINDINGS: ClassVar = [
        Binding("r", "choose('retry')", "Retry"),
        Binding("a,escape", "choose('answers')", "Answers"),
        Binding("q", "choose('quit')", "Quit"),
    ]

    def __init__(
        self, error: PhotreeError, watch: Watch | None, *, resumes: bool = False, log: str = ""
    ) -> None:
        """watch: None when it did not begin. resumes: whether a retry goes on with what is there.
        log: its file."""
        super().__init__(watch)
        self._error = error
        self._resumes = resumes
        self._log_file = log

    def lines(self) -> list[str]:
        error = self._error
        lines = [_where(self._watch), error.message]
        if isinstance(error, PlanError):
            lines += [f"  {problem}" for problem in error.problems]
        lines += [error.hint, ""]
        lines += [_RESUMES if self._resumes else _RESTARTS]
        lines += ["All answers are kept: A goes back to them."]
        if self._log_file and self._watch is not None:
            lines += [f"The log is {self._log_file}; F2 shows it."]
        if error.detail and not isinstance(error, Cancelled):
            lines += ["", *error.detail.splitlines()[-_DETAIL:]]
        return [line for number, line in enumerate(lines) if line or number > 2]

    def choices(self) -> list[tuple[str, str]]:
        retry = "Retry the transfer" if self._resumes else "Retry from the start"
        return [("retry", retry), ("answers", "Answers"), ("quit", "Quit")]

    def action_choose(self, answer: str) -> None:
        self.dismiss(Way(answer))


def _where(watch: Watch | None) -> str:
    """The step that failed."""
    steps = watch.view().steps if watch is not None else ()
    failed = next((step.title for step in steps if step.state is State.FAILED), "")
    return f"At the step: {failed}" if failed else ""
