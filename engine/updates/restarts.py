"""How a machine restarts for an update, and how the updater comes back later: by systemd's timers,
never by a process that sleeps."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from engine.command import Commands
from engine.errors import PhotreeError
from engine.updates.configuration import FleetLockSettings
from engine.updates.fleetlock import FleetLock, Slot, machine_name

_AGAIN = "photree-automatic-again"
_ANY_EXIT = tuple(range(256))


class SystemdRestarts:
    """The real `Restarts`. fleet_lock: None for a machine that needs no leave.

    program: what a later run starts.
    """

    def __init__(
        self,
        commands: Commands,
        fleet_lock: FleetLockSettings | None,
        slot: Slot,
        *,
        machine_id: Path = Path("/etc/machine-id"),
        program: tuple[str, ...] = ("photree", "auto-update"),
    ) -> None:
        self._commands = commands
        self._fleet_lock = fleet_lock
        self._slot = slot
        self._machine_id = machine_id
        self._program = program

    def take_slot(self) -> None:
        if self._fleet_lock is None:
            return
        try:
            name = machine_name(self._machine_id.read_text())
        except OSError as error:
            raise PhotreeError(f"Could not read {self._machine_id}: {error.strerror}.") from error
        self._slot.take(FleetLock(self._fleet_lock, name))

    def reboot(self) -> None:
        self._commands.run(["systemctl", "reboot"])

    def run_again(self, moment: datetime) -> None:
        # names of their own: a unit cannot be made while one of its name still runs
        self._commands.run(["systemctl", "stop", f"{_AGAIN}-*.timer"], accept=_ANY_EXIT)
        self._commands.run(
            [
                "systemd-run",
                f"--unit={_AGAIN}-{time.time_ns() // 1000}",
                "--collect",
                "--description=Automatic update, again",
                f"--on-calendar={moment:%Y-%m-%d %H:%M:%S}",
                "--timer-property=AccuracySec=5s",
                *self._program,
            ]
        )
