"""The events on disk: few enough, whole, in order."""

from pathlib import Path

from engine.events import JobFinished, LogLine, Progress, StepFinished, StepStarted
from engine.jobs.eventlog import EventLog, EventReader


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def read(path: Path) -> list:
    with EventReader(path) as reader:
        return reader.new()


def test_an_hour_of_progress_takes_less_than_half_a_megabyte(tmp_path: Path) -> None:
    path, clock = tmp_path / "events", Clock()
    log = EventLog(path, clock)
    total = 7_200_000_000
    for turn in range(36_001):
        clock.now = turn / 10
        log(Progress("pull", turn * 200_000, total, "bytes", 2e6, "receiving objects"))
    assert 100_000 < path.stat().st_size < 500_000
    assert read(path)[-1].done == total


def test_the_total_appears_as_soon_as_it_is_known(tmp_path: Path) -> None:
    path, clock = tmp_path / "events", Clock()
    log = EventLog(path, clock)
    log(Progress("pull", 1, 0, "bytes"))
    log(Progress("pull", 2, 0, "bytes"))
    log(Progress("pull", 3, 10, "bytes"))
    assert [event.done for event in read(path)] == [1, 3]


def test_a_standing_counter_is_reported_now_and_then(tmp_path: Path) -> None:
    path, clock = tmp_path / "events", Clock()
    log = EventLog(path, clock)
    for turn in range(41):
        clock.now = turn / 10
        log(Progress("pull", 5, 10, "bytes"))
    assert len(read(path)) == 3


def test_steps_do_not_hide_one_another_and_what_waits_comes_before_their_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / "events"
    log = EventLog(path, Clock())
    events = [
        Progress("pull", 1, 9, "bytes"),
        Progress("check", 1, 9, "objects"),
        Progress("pull", 9, 9, "bytes"),
        Progress("check", 9, 9, "objects"),
        StepFinished("pull", 1.0),
    ]
    for event in events:
        log(event)
    assert read(path) == events


def test_log_lines_pass_waiting_progress(tmp_path: Path) -> None:
    path = tmp_path / "events"
    log = EventLog(path, Clock())
    for done in range(100):
        log(Progress("unpack", done, 100, "packages"))
        log(LogLine(f"{done}"))
    assert len([event for event in read(path) if isinstance(event, Progress)]) == 1


def test_a_line_that_is_not_complete_yet_waits_for_its_rest(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text('{"event": "LogLine", "te')
    with EventReader(path) as reader:
        assert reader.new() == []
        with path.open("a") as file:
            file.write('xt": "whole"}\n')
        assert reader.new() == [LogLine("whole")]
        assert reader.new() == []


def test_a_line_cut_off_by_a_full_disk_does_not_hide_the_next(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text('{"event": "LogLine", "text": "cu\n{"event": "StepFinished"}\n')
    EventLog(path)(JobFinished(ok=True))
    assert read(path) == [JobFinished(ok=True)]


def test_any_text_survives(tmp_path: Path) -> None:
    path = tmp_path / "events"
    text = 'Grüße "quoted" \n \x00 \udcff \u2028 at https://ada:pw@host/'
    EventLog(path)(StepStarted("a", text))
    (event,) = read(path)
    assert event.title == text.replace("\udcff", "?").replace("ada:pw", "***")
