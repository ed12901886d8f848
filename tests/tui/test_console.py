"""The plain renderer of events, for terminals and logs."""

import io

from engine.events import Progress, StepStarted
from tui.console import PlainConsole


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_that_looks_the_same_is_not_written_again():
    terminal = Terminal()
    show = PlainConsole(terminal)
    same = Progress("pull", 10, 10, "bytes")
    for _turn in range(3):
        show(same)
    assert terminal.getvalue().count("10 B of 10 B") == 1


def test_a_step_takes_the_place_of_the_progress_before_it():
    terminal = Terminal()
    show = PlainConsole(terminal)
    show(Progress("pull", 10, 10, "bytes"))
    show(StepStarted("deploy", "Deploy the tree", 2, 3))
    show(Progress("pull", 10, 10, "bytes"))
    *_before, last = terminal.getvalue().split("\n")
    assert "[2/3] Deploy the tree\n" in terminal.getvalue()
    assert "10 B of 10 B" in last


def test_a_file_gets_no_progress():
    log = io.StringIO()
    PlainConsole(log)(Progress("pull", 10, 10, "bytes"))
    assert log.getvalue() == ""
