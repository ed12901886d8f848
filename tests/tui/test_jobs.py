"""Jobs as the user sees them: run by a verb, watched, cancelled, listed."""

import json
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import Cancelled, OstreeError
from engine.jobs.launcher import Launcher
from engine.state_file import utc
from tests.engine.jobs.conftest import SOURCE, Bench, until
from tests.engine.jobs.kinds import PROGRAM, Counts, Fails, Waits
from tests.engine.transactions.conftest import TestHost
from tui.cli import main
from tui.jobs import open_store, run_job

_RUN = """
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from engine.jobs.launcher import Launcher
from tests.engine.jobs.kinds import PROGRAM, Waits
from tui.console import guarded
from tui.jobs import run_job
options = Namespace(sysroot=Path(sys.argv[1]))
transaction = Waits(folder=sys.argv[2], words=("for", "it"))
sys.exit(guarded(lambda: run_job(options, transaction, launcher=Launcher(PROGRAM))))
"""


class Front(Bench):
    """The jobs of a host, and a terminal on it."""

    def __init__(self, host: TestHost, folder: Path) -> None:
        super().__init__(folder)
        self.sysroot = host.path
        self.store = open_store(host.path)

    def run(self, transaction, unchanged_exit: int = 0, **options: object) -> int:
        given = Namespace(sysroot=self.sysroot, **options)
        launcher = Launcher(PROGRAM)
        return run_job(given, transaction, unchanged_exit=unchanged_exit, launcher=launcher)

    def photree(self, *words: str) -> int:
        return main([*words, f"--sysroot={self.sysroot}"])


@pytest.fixture
def front(host: TestHost, tmp_path: Path) -> Iterator[Front]:
    folder = tmp_path / "front"
    folder.mkdir()
    front = Front(host, folder)
    yield front
    front.end()


Output = pytest.CaptureFixture[str]


def test_a_verb_shows_the_events_and_says_what_was_done(front: Front, capsys: Output) -> None:
    front.go_on()
    assert front.run(Waits(folder=str(front.folder))) == 0
    shown = capsys.readouterr()
    assert shown.out == "Waited.\n"
    assert shown.err == "[1/1] Waiting\n      done in 1.0 s\n"


def test_programs_get_json_lines_that_end_with_the_result(front: Front, capsys: Output) -> None:
    front.go_on()
    assert front.run(Waits(folder=str(front.folder)), json=True) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("event") for line in lines] == [
        "StepStarted",
        "LogLine",
        "StepFinished",
        "JobFinished",
        None,
    ]
    assert lines[-1]["result"]["message"] == "Waited."
    assert lines[-1]["result"]["deployment"] == "photon-1"


def test_nothing_to_do_is_77_when_asked_for(front: Front) -> None:
    assert front.run(Counts(count=1)) == 0
    assert front.run(Counts(count=1), unchanged_exit_77=False) == 0
    assert front.run(Counts(count=1), unchanged_exit_77=True) == 77
    assert front.run(Counts(count=1), unchanged_exit=77) == 77


def test_a_failure_is_raised_and_not_shown_twice(front: Front, capsys: Output) -> None:
    with pytest.raises(OstreeError, match="It failed"):
        front.run(Fails(error="OstreeError"), json=True)
    assert capsys.readouterr().out == ""


def test_ctrl_c_cancels_and_ends_with_130(front: Front) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, str(front.sysroot), str(front.folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=SOURCE,
    ) as process:
        until((front.folder / "begun").exists)
        process.send_signal(signal.SIGINT)
        _out, errors = process.communicate()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "error: Cancelled."
    (job,) = front.store.jobs()
    assert isinstance(job.outcome.error, Cancelled)


def test_status_names_the_active_transaction(front: Front, capsys: Output) -> None:
    assert front.photree("status", "--json") == 0
    idle = json.loads(capsys.readouterr().out)
    assert (idle["transaction"], "job" in idle) == (None, False)
    job = front.waiting()
    assert front.photree("status") == 0
    lines = capsys.readouterr().out.splitlines()
    since = utc(job.specification.started)
    assert lines[:3] == [
        "State: busy",
        "Transaction: wait for it",
        f"  Initiator: root (process {job.pid}, since {since})",
    ]
    assert front.photree("status", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["transaction"] == ["wait for it", "root", job.id]
    assert document["job"] == {
        "id": job.id,
        "title": "wait for it",
        "user": "root",
        "pid": job.pid,
        "started": job.specification.started,
    }
    front.go_on()
    job.wait()
    assert front.photree("status") == 0
    assert capsys.readouterr().out.startswith("State: idle\nDeployments:\n")


def test_cancel_ends_the_active_transaction(front: Front, capsys: Output) -> None:
    assert front.photree("cancel") == 0
    assert capsys.readouterr().out == "No active transaction.\n"
    job = front.waiting()
    assert front.photree("cancel") == 0
    assert capsys.readouterr().out == "Cancelling transaction: wait for it\nCancelled.\n"
    assert job.outcome.cancelled


def test_attach_shows_all_events_and_the_result(front: Front, capsys: Output) -> None:
    front.waiting()
    front.go_on()
    assert front.photree("attach") == 0
    shown = capsys.readouterr()
    assert shown.out.endswith("Waited.\n")
    assert shown.err.startswith("[1/1] Waiting\n")


def test_attach_without_an_active_transaction_tells_of_the_last(
    front: Front, capsys: Output
) -> None:
    assert front.photree("attach") == 0
    front.start(Fails(error="OstreeError")).wait()
    assert front.photree("attach") == 1
    shown = capsys.readouterr()
    assert shown.out == "No active transaction.\n" * 2 + "The last one: fail\n"
    assert shown.err == "error: It failed.\nhint: Try again.\n"


def test_leaving_attach_does_not_end_the_transaction(front: Front) -> None:
    job = front.waiting()
    with subprocess.Popen(
        [sys.executable, "-m", "tui.cli", "attach", f"--sysroot={front.sysroot}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=SOURCE,
    ) as process:
        assert process.stderr.readline() == "[1/1] Waiting\n"
        process.send_signal(signal.SIGINT)
        _out, errors = process.communicate()
    assert process.returncode == 130
    assert errors == "\nwait for it goes on.\n"
    assert job.running


def test_history_lists_the_last_first(front: Front, capsys: Output) -> None:
    assert front.photree("history") == 0
    assert capsys.readouterr().out == "No transactions yet.\n"
    for count in (1, 2, 3):
        front.start(Counts(count=count)).wait()
    front.start(Fails(error="OstreeError")).wait()
    active = front.waiting()
    assert front.photree("history") == 0
    blocks = capsys.readouterr().out.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == ["wait for it", "fail", "count to 3"]
    assert f"       State: active (process {active.pid})" in blocks[0]
    assert "       State: failed\n       Error: It failed." in blocks[1]
    assert "     Command: photree x\n" in blocks[2]
    assert "       State: unchanged\n" in blocks[2]
    assert front.photree("history", "--limit=1") == 0
    assert len(capsys.readouterr().out.split("\n\n")) == 1
    assert front.photree("history", "-a") == 0
    assert len(capsys.readouterr().out.split("\n\n")) == 5


def test_history_for_programs(front: Front, capsys: Output) -> None:
    front.start(Counts(count=1)).wait()
    front.start(Fails(error="OstreeError")).wait()
    assert front.photree("history", "--json") == 0
    failed, counted = json.loads(capsys.readouterr().out)
    assert failed["state"] == "failed"
    assert failed["error"] == {"message": "It failed.", "hint": "Try again."}
    assert counted["state"] == "unchanged"
    assert counted["result"]["message"] == "Counted."
    assert counted["user"] == "root"
    assert counted["started"] <= counted["finished"]


def test_reload_names_every_mistake_of_the_configuration(front: Front, capsys: Output) -> None:
    assert front.photree("reload") == 0
    for folder in front.sysroot.glob("ostree/deploy/photon/deploy/*.0"):
        (folder / "etc/photree.conf").write_text("[Daemon]\nColour=red\n[Strange]\n")
    assert front.photree("reload") == 1
    error = capsys.readouterr().err
    assert "error: The configuration has mistakes." in error
    assert "photree.conf:2: " in error
    assert "photree.conf:3: " in error


def test_reload_clears_away_what_was_broken_off(front: Front, capsys: Output) -> None:
    front.start(Counts(count=1)).wait()
    (job,) = front.store.jobs()
    left = job.folder.with_name(".new-000002-20260101T000000Z")
    left.mkdir()
    assert front.photree("reload") == 0
    assert capsys.readouterr().out == "Removed 1 unfinished transaction(s).\n"
    assert not left.exists()
