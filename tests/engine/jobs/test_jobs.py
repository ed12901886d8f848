"""Transactions in processes of their own: started, followed, found again, cancelled, killed."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine import errors
from engine.cancel import CancelToken
from engine.errors import Cancelled, PhotreeError, PlanError, Problem
from engine.events import JobFinished, LogLine, Progress, StepFinished, StepStarted
from engine.jobs.client import run_transaction
from engine.jobs.job import EVENTS, LOCK, OUTPUT, RESULT
from engine.jobs.process import send_signal
from engine.jobs.store import BusyError, Store
from engine.transactions.transaction import Result
from tests.engine.jobs.conftest import Bench, until
from tests.engine.jobs.kinds import RESTARTED, Counts, Fails, Restarts, Tells, Waits

ALL_EVENTS = [
    StepStarted("wait", "Waiting"),
    LogLine("for for it"),
    StepFinished("wait", 1.0),
    JobFinished(ok=True),
]


def run(bench: Bench, transaction, emit=lambda _event: None, cancel=None) -> Result:
    return run_transaction(
        bench.store, transaction, emit, cancel=cancel, launcher=bench.launcher, command="photree x"
    )


def test_a_transaction_returns_its_result_and_all_its_events(bench: Bench) -> None:
    bench.go_on()
    events = []
    result = run(bench, Waits(folder=str(bench.folder), words=("for", "it")), events.append)
    assert result == Result(True, "Waited.", "photon-1")
    assert events == ALL_EVENTS


def test_the_record_says_who_what_and_when(bench: Bench) -> None:
    bench.go_on()
    job = bench.start(Waits(folder=str(bench.folder), words=("for", "it")))
    outcome = job.wait()
    assert job.title == "wait for it"
    assert job.specification.command == "photree x"
    assert job.specification.user == "root"
    assert job.specification.started <= outcome.finished
    assert bench.store.jobs() == (job,)


def test_the_folders_are_roots_alone(bench: Bench) -> None:
    bench.go_on()
    job = bench.start(Waits(folder=str(bench.folder)))
    job.wait()
    for folder in (bench.jobs, job.folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in job.folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert set(modes) == {EVENTS, OUTPUT, RESULT, LOCK, "specification.json"}


def test_a_second_job_is_refused_with_the_name_of_the_first(bench: Bench) -> None:
    job = bench.waiting()
    with pytest.raises(BusyError) as caught:
        bench.start(Counts(count=1))
    assert caught.value.message.startswith(f"photree is busy: wait for it (process {job.pid}, ")
    assert caught.value.message.endswith(", started by root).")
    assert "`photree attach`" in caught.value.hint
    assert "`photree cancel`" in caught.value.hint
    assert bench.store.jobs() == (job,)


def test_of_eight_that_start_at_once_one_wins(bench: Bench) -> None:
    clients = [bench.client("start-together") for _number in range(8)]
    for client in clients:  # they wait for a line
        client.stdin.write("\n")
    outputs = [client.communicate()[0] for client in clients]
    started = [text.strip() for text in outputs if "BusyError" not in text]
    assert started == [job.id for job in bench.store.jobs()]
    assert len(started) == 1
    assert all(
        "photree is busy: wait for it (process " in text for text in outputs if len(text) > 40
    )


def test_cancelling_ends_the_job(bench: Bench) -> None:
    job = bench.waiting()
    assert job.cancel()
    outcome = job.wait()
    assert outcome.cancelled
    with pytest.raises(Cancelled):
        outcome.get()
    assert not job.cancel()


def test_the_caller_s_token_cancels_the_job(bench: Bench) -> None:
    cancel = CancelToken()

    def emit(event) -> None:
        if isinstance(event, LogLine):
            cancel.cancel()

    with pytest.raises(Cancelled):
        run(bench, Waits(folder=str(bench.folder)), emit, cancel)
    assert bench.store.running() is None


def test_ctrl_c_in_the_client_cancels_and_waits_for_the_end(bench: Bench) -> None:
    client = bench.client("run")
    until((bench.folder / "begun").exists)
    client.send_signal(signal.SIGINT)
    output, _ = client.communicate()
    assert output.splitlines()[-1] == "Cancelled: Cancelled."
    assert [job.running for job in bench.store.jobs()] == [False]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_the_job_goes_on_without_its_client_and_is_found_again(
    bench: Bench, number: signal.Signals
) -> None:
    client = bench.client("run")
    until((bench.folder / "begun").exists)
    os.killpg(client.pid, number)
    assert client.wait() == -number
    client.stdout.close()
    client.stdin.close()
    other = bench.client("attach")
    first = [other.stdout.readline(), other.stdout.readline()]
    bench.go_on()
    output, _ = other.communicate()
    lines = [json.loads(line)["event"] for line in [*first, *output.splitlines()]]
    assert lines == [type(event).__name__ for event in ALL_EVENTS]


def test_a_hung_up_terminal_does_not_stop_the_job(bench: Bench) -> None:
    job = bench.waiting()
    assert send_signal(job.folder / LOCK, signal.SIGHUP)
    bench.go_on()
    assert job.wait().get().message == "Waited."


def test_the_job_is_no_relative_of_its_client(bench: Bench) -> None:
    job = bench.waiting()
    assert os.getsid(job.pid) == job.pid
    assert os.getsid(job.pid) != os.getsid(0)
    opened = [Path(f"/proc/{job.pid}/fd/{number}").readlink() for number in range(3)]
    assert opened == [Path(os.devnull), job.folder / OUTPUT, job.folder / OUTPUT]


def test_a_killed_job_is_told_from_a_running_one_and_blocks_nothing(bench: Bench) -> None:
    job = bench.waiting()
    pid = job.pid
    assert send_signal(job.folder / LOCK, signal.SIGKILL)
    outcome = job.wait()
    assert outcome.error.message == f"wait for it (process {pid}) ended unexpectedly."
    assert str(job.folder / OUTPUT) in outcome.error.hint
    assert bench.store.running() is None
    bench.go_on()
    bench.start(Counts(count=1)).wait()


def test_a_job_that_dies_while_it_is_followed_ends_the_client(bench: Bench) -> None:
    with pytest.raises(PhotreeError, match="ended unexpectedly") as caught:
        run(bench, Fails(error="KILL"))
    assert caught.value.detail == "a library complains\n"


def test_following_stops_when_asked(bench: Bench) -> None:
    job = bench.waiting()
    events = []
    assert job.follow(events.append, stop=lambda: len(events) == 2) is None
    assert events == ALL_EVENTS[:2]


def test_following_from_now_on_leaves_out_the_past(bench: Bench) -> None:
    job = bench.waiting()
    events = []

    def going_on() -> bool:
        bench.go_on()
        return False

    job.follow(events.append, stop=going_on, replay=False)
    assert events == ALL_EVENTS[2:]


@pytest.mark.parametrize(
    "name",
    [
        "PhotreeError",
        "CommandError",
        "OstreeError",
        "PackageError",
        "StorageError",
        "NetworkError",
        "SignatureError",
    ],
)
def test_errors_come_back_as_what_they_were(bench: Bench, name: str) -> None:
    events = []
    with pytest.raises(PhotreeError) as caught:
        run(bench, Fails(error=name), events.append)
    error = caught.value
    assert type(error) is getattr(errors, name)
    assert (error.message, error.hint) == ("It failed.", "Try again.")
    assert error.detail == "detail\n" * 3
    assert events == [JobFinished(False, "It failed.", "Try again.")]


def test_every_problem_of_a_plan_comes_back(bench: Bench) -> None:
    with pytest.raises(PlanError) as caught:
        run(bench, Fails(error="PlanError"))
    assert caught.value.problems == (Problem("a:1", "Bad", "Do not"), Problem("", "B"))
    assert caught.value.hint == "H"


def test_a_defect_leaves_its_traceback_in_the_output_only(bench: Bench) -> None:
    with pytest.raises(PhotreeError) as caught:
        run(bench, Fails(error="Unknown"))
    (job,) = bench.store.jobs()
    assert caught.value.message == "fail failed: this is a defect in photree."
    assert str(job.folder / OUTPUT) in caught.value.hint
    output = (job.folder / OUTPUT).read_text()
    assert output.startswith("a library complains\nTraceback ")
    assert "nobody expected this" in output


def test_a_kind_that_is_not_known_is_an_error(bench: Bench) -> None:
    class Stranger(Counts):
        kind = "stranger"

    with pytest.raises(PhotreeError, match="no kind of transaction 'stranger'"):
        run(bench, Stranger(count=1))


def test_twenty_thousand_progress_events_stay_small_and_the_last_is_kept(bench: Bench) -> None:
    events = []
    result = run(bench, Counts(count=20_000), events.append)
    assert not result.changed
    (job,) = bench.store.jobs()
    assert (job.folder / EVENTS).stat().st_size < 100_000
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1] == Progress("count", 20_000, 20_000, "numbers")
    assert [event.done for event in progress] == sorted(event.done for event in progress)
    assert type(events[-2]) is StepFinished


def test_passwords_of_urls_do_not_stay_on_the_disk(bench: Bench) -> None:
    bench.go_on()
    url = "https://ada:hunter2@example.com/x.rpm"
    events = []
    run(bench, Waits(folder=str(bench.folder), words=(url,)), events.append)
    (job,) = bench.store.jobs()
    for file in job.folder.iterdir():
        assert "hunter2" not in file.read_text()
    assert job.title == "wait https://***@example.com/x.rpm"
    assert LogLine("for https://***@example.com/x.rpm") in events  # it had the real one


def test_a_job_uses_the_proxies_of_who_asked_and_nothing_else_of_the_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "http_proxy": "http://ada:hunter2@proxy.example.com:3128",
        "HTTPS_PROXY": "http://ada:hunter2@proxy.example.com:3129",
        "no_proxy": "localhost",
    }
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in {**given, "LD_PRELOAD_NOT": "x", "all_proxy": "socks://x"}.items():
        monkeypatch.setenv(name, value)
    found = run(bench, Tells()).details
    proxies = {name: value for name, value in found.items() if name.lower().endswith("_proxy")}
    assert proxies == given
    assert "LD_PRELOAD_NOT" not in found


def test_the_password_of_a_proxy_is_in_no_command_line_and_does_not_stay(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://ada:hunter2@proxy.example.com:3128")
    job = bench.waiting()
    for name in ("cmdline", "environ"):
        assert b"hunter2" not in Path(f"/proc/{job.pid}/{name}").read_bytes()
    bench.go_on()
    job.wait()
    for file in job.folder.iterdir():
        assert "hunter2" not in file.read_text()


def test_the_machine_is_restarted_when_the_transaction_says_so(bench: Bench) -> None:
    (bench.folder / "photree").mkdir()
    (bench.folder / "photree" / RESTARTED).touch()
    assert run(bench, Restarts()).reboot
    assert (bench.folder / "photree" / RESTARTED).read_text() == "systemctl reboot"


def test_a_restart_that_fails_is_said(bench: Bench) -> None:
    with pytest.raises(PhotreeError) as caught:
        run(bench, Restarts())
    assert caught.value.message == (
        "Done, but the machine could not be restarted: "
        "systemctl failed with exit code 1: no machine."
    )


def test_only_the_last_jobs_are_kept(bench: Bench) -> None:
    store = Store(bench.jobs, kept=3)
    ids = []
    for _number in range(5):
        job = bench.start(Counts(count=1), store)
        job.wait()
        ids.append(job.id)
    assert [job.id for job in store.jobs()] == ids[:1:-1]
    assert ids == sorted(ids)


def test_without_privileges_the_error_says_what_to_do(bench: Bench) -> None:
    bench.waiting()
    program = f"""
import os
from pathlib import Path
os.setuid(65534)
from engine.errors import PhotreeError
from engine.jobs.client import start
from engine.jobs.store import Store
from tests.engine.jobs.kinds import Counts
store = Store(Path({str(bench.jobs)!r}))
for action in (lambda: start(store, Counts()), store.jobs):
    try:
        action()
    except PhotreeError as error:
        print(error.message, error.hint)
"""
    for folder in (bench.folder, *bench.folder.parents[:2]):
        folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "count to 0 needs root. Use sudo.",
        f"The jobs in {bench.jobs} need root. Use sudo.",
    ]


def test_a_program_that_cannot_begin_leaves_nothing(bench: Bench) -> None:
    bench.launcher = type(bench.launcher)((sys.executable, "-c", "import no_such_module"))
    with pytest.raises(PhotreeError, match=r"Could not start count to 1: .*no_such_module"):
        bench.start(Counts(count=1))
    assert [each.name for each in bench.jobs.iterdir()] == [".lock"]


def test_a_start_that_was_broken_off_is_cleared_away(bench: Bench) -> None:
    left = bench.jobs / ".new-000001-20260101T000000Z"
    left.mkdir(parents=True)
    (left / LOCK).touch()
    job = bench.start(Counts(count=1))
    assert not left.exists()
    assert job.id.startswith("000001-")


def test_another_process_with_the_same_number_is_never_signalled(bench: Bench) -> None:
    job = bench.waiting()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        # as if the job's process had ended, and its number had been given to another
        (job.folder / LOCK).write_text(f"{stranger.pid} 1\n")
        assert not job.cancel()
        assert stranger.poll() is None
        stranger.kill()
    bench.go_on()
    assert job.wait().get().changed


def test_a_record_damaged_by_a_power_failure_is_passed_over(bench: Bench) -> None:
    bench.go_on()
    job = bench.start(Counts(count=1))
    job.wait()
    damaged = bench.jobs / "000000-20260101T000000Z"
    damaged.mkdir()
    (damaged / "specification.json").touch()
    assert bench.store.jobs() == (job,)


def test_the_outcome_is_written_on_a_full_disk(bench: Bench) -> None:
    small = bench.folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(small)], check=True)
    try:
        store = Store(small / "jobs")
        job = bench.start(Waits(folder=str(bench.folder)), store)
        until((bench.folder / "begun").exists)
        fill(small / "first")
        bench.go_on()
        assert job.wait().get().message == "Waited."
        fill(small / "second")
        with pytest.raises(PhotreeError, match="No space left on device"):
            bench.start(Counts(count=1), store)
        until(lambda: not Path(f"/proc/{job.pid}").exists())
    finally:
        subprocess.run(["umount", str(small)], check=True)


def fill(file: Path) -> None:
    """Until the disk is full."""
    with pytest.raises(OSError, match="No space left"), file.open("wb", buffering=0) as opened:
        while True:
            opened.write(b"x" * 4096)
