"""What the last automatic update did: /var/lib/photree/automatic.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.state_file import FOLDER, read_state, write_state

FILE = FOLDER / "automatic.json"
SLOT_FILE = FOLDER / "fleet-lock.json"


@dataclass(frozen=True)
class UpdateFound:
    """A newer commit of the followed ref. timestamp: seconds since 1970. changes: of its packages,
    as "3 upgraded, 1 added"; "" when not known."""

    checksum: str
    version: str = ""
    timestamp: int = 0
    changes: str = ""

    def __str__(self) -> str:
        return self.version or self.checksum[:10]


@dataclass(frozen=True)
class LastRun:
    """outcome: unchanged, available, staged, waiting (for a window or a slot), rebooting, avoided
    (the machine went back from it before), held (an administrator chose what boots next) or failed.
    message: a sentence. update: what is newer than the machine, as far as that was found out.
    refusals: of the slot, one after the other."""

    time: str
    policy: str
    outcome: str
    message: str
    update: UpdateFound | None = None
    refusals: int = 0


def read_last_run(root: Path = Path("/")) -> LastRun | None:
    """root: the directory that has the system's /var."""
    values = read_state(root / FILE)
    try:
        found = values["update"]
        return LastRun(
            time=str(values["time"]),
            policy=str(values["policy"]),
            outcome=str(values["outcome"]),
            message=str(values["message"]),
            update=None if found is None else _update(found),
            refusals=int(values["refusals"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def write_last_run(run: LastRun, root: Path = Path("/")) -> None:
    """Raises StorageError."""
    write_state(root / FILE, asdict(run))


def _update(values: Mapping[str, Any]) -> UpdateFound:
    return UpdateFound(
        str(values["checksum"]),
        str(values["version"]),
        int(values["timestamp"]),
        str(values["changes"]),
    )
