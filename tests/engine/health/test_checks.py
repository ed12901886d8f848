"""The health checks: real programs in health.d folders."""

import os
import signal
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import Cancelled
from engine.health.checks import CheckResult, counted, find_checks, first_failure, run_checks

OURS, SHIPPED = "etc/photree/health.d", "usr/lib/photree/health.d"


def add(root: Path, name: str, script: str = "exit 0", mode: int = 0o755) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(mode)
    return path


def results(root: Path, *, each: float = 60, total: float = 300) -> tuple[CheckResult, ...]:
    return run_checks(find_checks(root), SystemCommands(), each=each, total=total)


def test_they_run_in_the_order_of_their_names_wherever_they_are(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for name in (f"{OURS}/20-b", f"{SHIPPED}/10-a", f"{OURS}/05-z", f"{SHIPPED}/30-c"):
        add(tmp_path, name, f"echo {name[-4:]} >> {log}")
    found = results(tmp_path)
    assert [each.name for each in found] == ["05-z", "10-a", "20-b", "30-c"]
    assert log.read_text().split() == ["05-z", "10-a", "20-b", "30-c"]
    assert all(each.passed for each in found)
    assert first_failure(found) == ""


def test_etc_replaces_usr_and_dev_null_switches_off(tmp_path: Path) -> None:
    add(tmp_path, f"{SHIPPED}/10-a", "exit 1")
    add(tmp_path, f"{SHIPPED}/20-b", "exit 1")
    ours = add(tmp_path, f"{OURS}/10-a")
    (tmp_path / OURS / "20-b").symlink_to("/dev/null")
    assert find_checks(tmp_path) == (ours,)


def test_what_is_no_program_is_left_out(tmp_path: Path) -> None:
    add(tmp_path, f"{OURS}/README", mode=0o644)
    for name in (".hidden", "10-a~", "10-a.rpmsave", "10-a.rpmnew", "10-a.swp"):
        add(tmp_path, f"{OURS}/{name}")
    (tmp_path / OURS / "folder").mkdir()
    (tmp_path / OURS / "dangling").symlink_to("nowhere")
    assert find_checks(tmp_path) == ()
    assert find_checks(tmp_path / "none") == ()


def test_a_failure_says_what_the_program_said_last(tmp_path: Path) -> None:
    add(tmp_path, f"{OURS}/10-web", "echo trying; echo no answer on port 80 >&2; exit 3")
    add(tmp_path, f"{OURS}/20-next")
    found = results(tmp_path)
    assert [each.passed for each in found] == [False, True]
    assert first_failure(found) == ("check 10-web failed: exit code 3: no answer on port 80")


def test_a_program_that_cannot_be_started_is_a_failure(tmp_path: Path) -> None:
    add(tmp_path, f"{OURS}/10-broken").write_text("#!/no/such/interpreter\n")
    (found,) = results(tmp_path)
    assert not found.passed
    assert "could not be started" in found.message


def test_a_program_that_hangs_is_ended_after_its_time(tmp_path: Path) -> None:
    add(tmp_path, f"{OURS}/10-hangs", "sleep 1000")
    add(tmp_path, f"{OURS}/20-next")
    found = results(tmp_path, each=0.2)
    assert [each.passed for each in found] == [False, True]
    assert "did not end within" in found[0].message


def test_when_the_time_for_all_is_over_the_rest_has_failed(tmp_path: Path) -> None:
    add(tmp_path, f"{OURS}/10-hangs", "sleep 1000")
    marker = tmp_path / "ran"
    add(tmp_path, f"{OURS}/20-next", f"touch {marker}")
    found = results(tmp_path, total=0.2)
    assert [each.passed for each in found] == [False, False]
    assert found[1].message == "the time for all checks was over before it"
    assert not marker.exists()


def test_they_get_a_clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    add(tmp_path, f"{OURS}/10-env", '[ -z "$SECRET" ] && [ -n "$PATH" ]')
    assert results(tmp_path)[0].passed


def test_a_machine_that_stops_meanwhile_gives_no_result(tmp_path: Path) -> None:
    cancel = CancelToken()
    add(tmp_path, f"{OURS}/10-stops", f"kill -USR1 {os.getpid()}; sleep 1000")
    former = signal.signal(signal.SIGUSR1, lambda *_: cancel.cancel())
    try:
        with pytest.raises(Cancelled):
            run_checks(find_checks(tmp_path), SystemCommands(cancel=cancel), each=60, total=60)
    finally:
        signal.signal(signal.SIGUSR1, former)


def test_counting_speaks_english() -> None:
    one = CheckResult("a", True, 0.1)
    assert [counted(()), counted((one,)), counted((one, one))] == [
        "0 checks",
        "1 check",
        "2 checks",
    ]
