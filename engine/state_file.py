"""Small JSON files that the machine's own services leave for each other below /var/lib/photree.

Anybody may read them. A file that is missing, cut short or from a stranger reads as an empty one:
what it says can be found out again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import StorageError

FOLDER = Path("var/lib/photree")  # below the root of the running system


def read_state(path: Path) -> dict[str, Any]:
    """The object in the file, {} when there is none."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def write_state(path: Path, values: Mapping[str, Any]) -> None:
    """Replace the file, durably: after a crash it has the former values or these.

    Raises StorageError.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with new.open("w") as file:
            file.write(json.dumps(values, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.chmod(0o644)
        new.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(
            f"Could not write {path}: {error.strerror}.", "Check the space in /var."
        ) from error


def remove_state(path: Path) -> None:
    """Forget the file, durably. Raises StorageError."""
    try:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"Could not remove {path}: {error.strerror}.") from error


def sync_folder(folder: Path) -> None:
    """Make what was renamed or removed in the folder last. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def utc(seconds: float) -> str:
    """ "2026-11-28T05:00:00Z": how these files, and rpm-ostree's output, give times."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
