"""How the machine restarts, and how the updater comes back, by systemd."""

import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from engine.command import Output
from engine.errors import PhotreeError
from engine.updates.configuration import FleetLockSettings
from engine.updates.fleetlock import Slot, SlotRefused, machine_name
from engine.updates.restarts import SystemdRestarts
from tests.fleetlock import lock_server

ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"


class Noted:
    """Commands that are noted: nothing here may restart the machine that runs the tests."""

    def __init__(self) -> None:
        self.argvs: list[Sequence[str]] = []

    def run(self, argv: Sequence[str], **_options: object) -> Output:
        self.argvs.append(argv)
        return Output("", "")


def restarts(tmp_path: Path, url: str = "", commands: Noted | None = None) -> SystemdRestarts:
    (tmp_path / "machine-id").write_text(ID + "\n")
    return SystemdRestarts(
        commands or Noted(),
        FleetLockSettings(url) if url else None,
        Slot(tmp_path / "fleet-lock.json"),
        machine_id=tmp_path / "machine-id",
    )


def test_without_a_lock_manager_no_leave_is_needed(tmp_path: Path) -> None:
    restarts(tmp_path).take_slot()
    assert not (tmp_path / "fleet-lock.json").exists()


def test_the_slot_is_taken_under_the_machines_name(tmp_path: Path) -> None:
    with lock_server() as server:
        restarts(tmp_path, server.url).take_slot()
        assert server.holders["default"] == {machine_name(ID)}
        (tmp_path / "other").mkdir()
        server.holders["default"] = {"somebody"}
        with pytest.raises(SlotRefused):
            restarts(tmp_path / "other", server.url).take_slot()


def test_a_machine_without_an_id_cannot_ask(tmp_path: Path) -> None:
    asking = restarts(tmp_path, "http://locks.example.com")
    (tmp_path / "machine-id").unlink()
    with pytest.raises(PhotreeError, match="machine-id"):
        asking.take_slot()


def test_the_machine_is_restarted_in_good_order(tmp_path: Path) -> None:
    commands = Noted()
    restarts(tmp_path, commands=commands).reboot()
    assert commands.argvs == [["systemctl", "reboot"]]


def test_a_later_run_replaces_those_that_were_set_before(tmp_path: Path) -> None:
    commands = Noted()
    restarts(tmp_path, commands=commands).run_again(datetime(2026, 12, 5, 2, 0, 30))
    stop, start = commands.argvs
    assert stop == ["systemctl", "stop", "photree-automatic-again-*.timer"]
    assert start[-2:] == ["photree", "auto-update"]
    (when,) = [word for word in start if word.startswith("--on-calendar=")]
    told = subprocess.run(
        ["systemd-analyze", "calendar", when.partition("=")[2]],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "Normalized form: 2026-12-05 02:00:30" in told.stdout
