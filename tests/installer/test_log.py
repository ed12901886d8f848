"""The log's file: complete, for root only, and readable while it is written."""

import stat

import pytest

from engine.errors import PhotreeError, PlanError, Problem
from engine.events import JobFinished, LogLine
from installer.log import follow, log_file, read_line


def events_of(path):
    return [read_line(line)[1] for line in path.read_text().splitlines()]


def test_every_event_has_its_time_and_the_file_is_private(tmp_path):
    path = tmp_path / "new/log"
    with log_file(path, print) as log:
        log(LogLine("one"))
    assert events_of(path) == [LogLine("one")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failure_is_there_with_all_its_detail_and_an_end(tmp_path):
    path = tmp_path / "log"
    with pytest.raises(PlanError), log_file(path, print):
        raise PlanError("It is wrong.", [Problem("k:1", "bad")], "mend it")
    texts = [event.text for event in events_of(path) if isinstance(event, LogLine)]
    assert texts == ["k:1: bad", "It is wrong."]
    assert events_of(path)[-1] == JobFinished(ok=False, message="It is wrong.", hint="mend it")


def test_an_end_is_not_written_twice(tmp_path):
    path = tmp_path / "log"
    with pytest.raises(PhotreeError), log_file(path, print) as log:
        log(JobFinished(ok=False, message="no"))
        raise PhotreeError("no")
    assert sum(isinstance(event, JobFinished) for event in events_of(path)) == 1


def test_a_second_attempt_may_go_on_in_the_same_file(tmp_path):
    path = tmp_path / "log"
    for append, expected in ((False, ["a"]), (True, ["a", "a"]), (False, ["a"])):
        with log_file(path, print, append=append) as log:
            log(LogLine("a"))
        assert [event.text for event in events_of(path)] == expected


def test_a_log_that_cannot_be_written_is_a_warning(tmp_path):
    told = []
    with log_file(tmp_path, told.append) as log:
        log(LogLine("lost"))
    (warning,) = told
    assert warning.level == "warning"
    assert "there will be no log" in warning.text


class Turns:
    """Waits of a follower: at each one the next action is done; after the last it stops."""

    def __init__(self, *actions):
        self.actions = list(actions)
        self.over = False

    def wait(self, _seconds):
        if self.actions:
            self.actions.pop(0)()
        else:
            self.over = True

    def events(self, path):
        return list(follow(path, lambda: self.over, self.wait))


def test_a_follower_waits_for_the_file_and_gets_what_is_added(tmp_path):
    path = tmp_path / "log"

    def write(text, append=True):
        with log_file(path, print, append=append) as log:
            log(LogLine(text))

    turns = Turns(lambda: None, lambda: write("one"), lambda: write("two"))
    assert turns.events(path) == [LogLine("one"), LogLine("two")]
    again = Turns(lambda: write("x", append=False))
    assert again.events(path) == [LogLine("one"), LogLine("two"), LogLine("x")]


def test_a_line_that_is_half_written_is_waited_for_and_nonsense_is_passed_over(tmp_path):
    path = tmp_path / "log"
    with log_file(path, print) as log:
        log(LogLine("whole"))
    line = path.read_text()
    path.write_text("nonsense\n" + line + line[:20])

    def complete():
        with path.open("a") as file:
            file.write(line[20:])

    assert Turns(complete).events(path) == [LogLine("whole"), LogLine("whole")]


def test_a_log_that_cannot_be_opened_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PhotreeError, match="cannot be read: Not a directory"):
        list(follow(tmp_path / "file/log"))
