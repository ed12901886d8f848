"""The client of a FleetLock server, which lets only so many machines of a group restart at a time.

The protocol is that of airlock and Zincati: a POST to /v1/pre-reboot takes a slot, one to
/v1/steady-state gives it back. Both may be repeated: a slot belongs to the machine that took it.
https://coreos.github.io/zincati/development/fleetlock/protocol/
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import NetworkError, PhotreeError
from engine.state_file import read_state, remove_state, write_state
from engine.updates.configuration import FleetLockSettings

# Zincati's name for machines, so that a server sees the same one whoever asks
_APPLICATION = bytes.fromhex("de35106b6ec24688b63afddaa156679b")
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and to wait for the answer


class SlotRefused(PhotreeError):  # noqa: N818 - the server's answer, no failure
    """The server gives no slot now. kind, value: its reason, for programs and for people."""

    def __init__(self, url: str, status: int, kind: str, value: str) -> None:
        super().__init__(
            f"{url} refused ({status}): {value or kind}.", "It is tried again by itself."
        )
        self.kind = kind
        self.value = value


def machine_name(machine_id: str) -> str:
    """What a server knows the machine by: `systemd-id128 machine-id -a` of Zincati's application.

    machine_id: the content of /etc/machine-id. Raises PhotreeError when there is none yet.
    """
    try:
        key = bytes.fromhex(machine_id.strip())
    except ValueError:
        key = b""
    if len(key) != 16:
        raise PhotreeError(
            "This machine has no machine id, by which a FleetLock server would know it.",
            "Run `systemd-machine-id-setup`.",
        )
    digest = bytearray(hmac.new(key, _APPLICATION, hashlib.sha256).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x40  # marked as a random UUID (RFC 4122), as systemd does
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()


@dataclass(frozen=True)
class FleetLock:
    """One machine and its server. name: of the machine, see `machine_name`."""

    settings: FleetLockSettings
    name: str

    def pre_reboot(self) -> None:
        """Take the slot, or find that it is ours already. Raises SlotRefused, NetworkError."""
        self._post("v1/pre-reboot")

    def steady_state(self) -> None:
        """Give the slot back, if it is ours. Raises SlotRefused, NetworkError."""
        self._post("v1/steady-state")

    def _post(self, path: str) -> None:
        import requests  # noqa: PLC0415 - takes 100 ms, and most machines have no such server

        url = f"{self.settings.base_url}/{path}"
        body = {"client_params": {"id": self.name, "group": self.settings.group}}
        try:
            response = requests.post(
                url,
                json=body,
                headers={"fleet-lock-protocol": "true"},
                timeout=_TIMEOUT,
                allow_redirects=False,  # only the server that was named may answer
            )
        except requests.Timeout as error:
            raise NetworkError(
                f"{url} did not answer in time.", "Check the network and the server.", str(error)
            ) from error
        except requests.RequestException as error:
            raise NetworkError(
                f"{url} could not be reached.", "Check the network and BaseUrl=.", str(error)
            ) from error
        if response.status_code != 200:
            raise _refusal(url, response.status_code, response.content)


class Slot:
    """The reboot slot of this machine, from before a restart until the next start was good.

    Which server has it is written down before it is asked, so that a slot is given back even when
    the machine stops between the two, or its configuration changes meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, lock: FleetLock) -> None:
        """Raises SlotRefused, and NetworkError: the server may have heard us, so the slot stays
        written down and the next start gives it back."""
        write_state(self._path, {**asdict(lock.settings), "name": lock.name})
        try:
            lock.pre_reboot()
        except SlotRefused:
            remove_state(self._path)
            raise

    def give_back(self) -> bool:
        """Whether there was one. Raises SlotRefused, NetworkError; it is still held then."""
        held = read_state(self._path)
        try:
            settings = FleetLockSettings(str(held["base_url"]), str(held["group"]))
            lock = FleetLock(settings, str(held["name"]))
        except KeyError:
            remove_state(self._path)
            return False
        lock.steady_state()
        remove_state(self._path)
        return True


def _refusal(url: str, status: int, content: bytes) -> PhotreeError:
    try:
        reason = json.loads(content)
        return SlotRefused(url, status, str(reason["kind"]), str(reason["value"]))
    except (ValueError, KeyError, TypeError):
        return NetworkError(
            f"{url} answered with status {status}, and not as a FleetLock server does.",
            "Check BaseUrl= and the server.",
        )
