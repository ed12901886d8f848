"""The door to other programs."""

import threading

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import Cancelled, CommandError
from engine.events import LogLine


def test_output_is_returned_and_logged_line_by_line():
    events = []
    output = SystemCommands(events.append).run(["printf", "one\\ntwo\\n"])
    assert output.stdout == "one\ntwo\n"
    assert [event.text for event in events] == ["$ printf 'one\\ntwo\\n'", "one", "two"]


def test_input_larger_than_a_pipe_does_not_block():
    text = "x" * 1_000_000
    assert SystemCommands().run(["cat"], input=text).stdout == text


def test_a_program_that_does_not_read_its_input_is_no_error():
    assert SystemCommands().run(["true"], input="x" * 1_000_000).returncode == 0


def test_failure_names_program_code_and_last_line():
    with pytest.raises(CommandError) as caught:
        SystemCommands().run(["sh", "-c", "echo first; echo last >&2; exit 3"])
    assert caught.value.message == "sh failed with exit code 3: last"


def test_missing_program_says_so():
    with pytest.raises(CommandError, match="no-such-program could not be started"):
        SystemCommands().run(["no-such-program"])


def test_secrets_stay_out_of_logs_and_errors():
    events = []
    with pytest.raises(CommandError) as caught:
        SystemCommands(events.append).run(["sh", "-c", "echo hunter2; exit 1"], secrets=["hunter2"])
    shown = [event.text for event in events if isinstance(event, LogLine)]
    assert "hunter2" not in "".join([*shown, caught.value.message, caught.value.detail])


def test_cancel_ends_the_whole_process_group():
    token = CancelToken()
    started = threading.Event()

    def on_event(event):
        if event.text == "ready":
            started.set()

    def cancel_when_started():
        started.wait(10)
        token.cancel()

    thread = threading.Thread(target=cancel_when_started)
    thread.start()
    with pytest.raises(Cancelled):
        SystemCommands(on_event, token).run(["sh", "-c", "echo ready; sleep 60 & wait"])
    thread.join()


def test_what_a_watcher_raises_ends_the_program():
    output = []

    def watch():
        if output:
            raise ValueError("enough")

    commands = SystemCommands(output.append)
    with pytest.raises(ValueError, match="enough"):
        commands.run(["sh", "-c", "echo ready; exec sleep 60"], watch=watch)


def test_time_limit_is_an_error():
    with pytest.raises(CommandError, match="did not end within 0 s"):
        SystemCommands().run(["sleep", "60"], timeout=0.3)
