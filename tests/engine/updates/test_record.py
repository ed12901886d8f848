"""The last run's file, and the small state files in general."""

import os
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.state_file import read_state, remove_state, write_state
from engine.updates.record import FILE, LastRun, UpdateFound, read_last_run, write_last_run

FOUND = UpdateFound("c" * 64, "5.0_minimal.2", 1795464000, "3 upgraded")
RUN = LastRun("2026-11-28T05:00:00Z", "apply", "waiting", "It waits.", FOUND, refusals=3)


@pytest.mark.parametrize("run", [RUN, LastRun("t", "check", "unchanged", "No upgrade available.")])
def test_a_run_is_kept(tmp_path: Path, run: LastRun) -> None:
    write_last_run(run, tmp_path)
    assert read_last_run(tmp_path) == run


def test_anybody_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    former = os.umask(0o077)
    try:
        write_last_run(RUN, tmp_path)
    finally:
        os.umask(former)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"time": 1}', '{"update": 3, "time": "", "policy": ""}', "\xff"]
)
def test_a_file_that_is_damaged_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))
    assert read_last_run(tmp_path) is None


def test_a_missing_run_says_nothing(tmp_path: Path) -> None:
    assert read_last_run(tmp_path) is None


def test_a_file_that_cannot_be_written_keeps_its_values(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_state(path, {"a": 1})
    (tmp_path / ".state.json.new").mkdir()
    with pytest.raises(StorageError, match=r"state\.json"):
        write_state(path, {"a": 2})
    assert read_state(path) == {"a": 1}


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    remove_state(tmp_path / "none/state.json")
