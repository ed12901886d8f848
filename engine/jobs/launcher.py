"""How a job's process comes into being: on its own, whatever happens to the one that asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from engine.command import ENVIRONMENT, Commands, SystemCommands
from engine.errors import CommandError
from engine.jobs.store import begun_folder

_SYSTEMD = Path("/run/systemd/system")  # there while systemd is the first process: sd_booted(3)
_START_SECONDS = 60.0
PROGRAM = (sys.executable, "-P", "-m", "engine.jobs.runner")


class Launcher:
    """Starts `engine.jobs.runner`, as a unit of systemd where that runs.

    program: the runner's command; the job's folder is appended. systemd: present where it runs.
    """

    def __init__(
        self,
        program: Sequence[str] = PROGRAM,
        commands: Commands | None = None,
        systemd: Path = _SYSTEMD,
    ) -> None:
        self._program = tuple(program)
        self._commands = commands or SystemCommands()
        self._systemd = systemd

    def launch(self, prepared: Path, title: str) -> None:
        """Returns when the process has begun its job. Raises CommandError when it could not."""
        command = [*self._program, str(prepared)]
        environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        if not self._systemd.is_dir():
            self._commands.run(command, env=environment, timeout=_START_SECONDS)
            return
        unit = f"photree-job-{begun_folder(prepared).name}"
        try:
            command = [*_in_unit(unit, title, environment), *command]
            self._commands.run(command, timeout=_START_SECONDS)
        except CommandError as error:
            hint = f"See `journalctl --unit={unit}`."
            raise CommandError(error.message, hint, error.detail) from error


def _in_unit(unit: str, title: str, environment: dict[str, str]) -> list[str]:
    """SIGTERM goes to the job's own process, which ends its children in good order."""
    settings = {**ENVIRONMENT, **environment}
    return [
        "systemd-run",
        f"--unit={unit}",
        f"--description=photree: {' '.join(title.split())}",
        "--collect",
        "--quiet",
        "--service-type=forking",
        "--property=KillMode=mixed",
        *(f"--setenv={name}={value}" for name, value in settings.items()),
        "--",
    ]
