"""The FleetLock client against a real server, and the slot that outlives a restart."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from engine.errors import NetworkError, PhotreeError
from engine.state_file import write_state
from engine.updates.configuration import FleetLockSettings
from engine.updates.fleetlock import FleetLock, Slot, SlotRefused, machine_name
from tests.fleetlock import lock_server
from tests.nginx import closed_port, nginx

MACHINE_ID = Path("/etc/machine-id")


def name(number: int) -> str:
    return hashlib.md5(bytes([number])).hexdigest()


def lock(url: str, number: int = 1, group: str = "default") -> FleetLock:
    return FleetLock(FleetLockSettings(url, group), name(number))


def test_the_name_is_the_one_that_systemd_computes() -> None:
    application = "de35106b6ec24688b63afddaa156679b"
    told = subprocess.run(
        ["systemd-id128", "machine-id", "-a", application],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert machine_name(MACHINE_ID.read_text()) == told.stdout.strip()


@pytest.mark.parametrize("text", ["", "uninitialized\n", "abc"])
def test_a_machine_without_an_id_has_no_name(text: str) -> None:
    with pytest.raises(PhotreeError, match="no machine id"):
        machine_name(text)


def test_a_slot_is_taken_twice_and_given_back_twice_by_its_owner() -> None:
    with lock_server() as server:
        for _time in range(2):
            lock(server.url).pre_reboot()
        assert server.holders["default"] == {name(1)}
        for _time in range(2):
            lock(server.url).steady_state()
        assert server.holders["default"] == set()


def test_another_machine_is_refused_until_the_slot_is_free_again() -> None:
    with lock_server("default", "db") as server:
        lock(server.url).pre_reboot()
        with pytest.raises(SlotRefused, match="all 1 semaphore slots") as refused:
            lock(server.url, 2).pre_reboot()
        assert refused.value.kind == "failed_lock"
        lock(server.url, 2, "db").pre_reboot()
        lock(server.url, 2).steady_state()  # not the owner: no effect
        assert server.holders["default"] == {name(1)}
        lock(server.url).steady_state()
        lock(server.url, 2).pre_reboot()
        assert server.holders["default"] == {name(2)}


def test_an_unknown_group_is_refused() -> None:
    with lock_server() as server, pytest.raises(SlotRefused, match='unknown group "none"'):
        lock(server.url, group="none").pre_reboot()


def test_a_server_that_is_not_there_or_is_none_is_a_network_error(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="could not be reached"):
        lock(f"http://127.0.0.1:{closed_port()}").pre_reboot()
    with nginx(tmp_path, tmp_path / "work") as web, pytest.raises(NetworkError, match="status 40"):
        lock(web.url.rstrip("/")).pre_reboot()


def test_a_redirection_is_not_followed(tmp_path: Path) -> None:
    with lock_server() as other:
        directives = f"location / {{ return 307 {other.url}$request_uri; }}"
        with (
            nginx(tmp_path, tmp_path / "work", directives=directives) as web,
            pytest.raises(NetworkError, match="status 307"),
        ):
            lock(web.url.rstrip("/")).pre_reboot()
        assert other.requests == []


def test_the_slot_is_given_back_to_the_server_that_gave_it(tmp_path: Path) -> None:
    path = tmp_path / "var/fleet-lock.json"
    with lock_server() as server:
        Slot(path).take(lock(server.url))
        assert path.exists()
        assert Slot(path).give_back()
        assert server.holders["default"] == set()
        assert not path.exists()
        assert not Slot(path).give_back()


def test_a_refused_slot_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "fleet-lock.json"
    with lock_server() as server:
        lock(server.url, 2).pre_reboot()
        with pytest.raises(SlotRefused):
            Slot(path).take(lock(server.url))
    assert not path.exists()


def test_a_slot_that_cannot_be_given_back_is_kept_for_the_next_try(tmp_path: Path) -> None:
    path = tmp_path / "fleet-lock.json"
    with lock_server() as server:
        Slot(path).take(lock(server.url))
    with pytest.raises(NetworkError):
        Slot(path).give_back()
    assert path.exists()


def test_when_nobody_knows_whether_the_slot_was_taken_it_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "fleet-lock.json"
    with pytest.raises(NetworkError):
        Slot(path).take(lock(f"http://127.0.0.1:{closed_port()}"))
    assert path.exists()


def test_a_file_that_says_nothing_is_no_slot(tmp_path: Path) -> None:
    path = tmp_path / "fleet-lock.json"
    write_state(path, {})
    assert not Slot(path).give_back()
    assert not path.exists()
