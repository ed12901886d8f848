"""What a failed installation leaves for the next attempt.

Only one kind of failure is worth going on from: the tree could not be transferred. The disk is
partitioned and formatted then, nothing of the new machine is configured yet, and what was
transferred can stay. After any other failure an installation starts over.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StorageError
from engine.state_file import read_state, write_state
from installer.context import Context
from installer.steps.pull_tree import PullTree
from installer.steps.unpack_repository import RemoveUnpacked, UnpackRepository

_TRANSFER = (UnpackRepository.id, PullTree.id, RemoveUnpacked.id)


@dataclass(frozen=True)
class Leftover:
    """uuids: of the file systems that were made, by their nodes."""

    uuids: Mapping[str, str]


class Resumption:
    """file: in memory, so that nothing is remembered after a restart of the machine."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def find(self, kickstart: str) -> Leftover | None:
        """What an attempt with the same kickstart has left, None when it is not worth going on."""
        state = read_state(self._file)
        uuids = state.get("uuids")
        if state.get("kickstart") != _digest(kickstart) or not isinstance(uuids, dict):
            return None
        return Leftover(uuids)

    def keep(self, kickstart: str, ctx: Context) -> None:
        """Note how far an attempt that failed has come. Images are gone with their attempt, volume
        groups are not active any more."""
        storage = ctx.plan.storage
        plain = all(disk.device is not None for disk in storage.disks)
        plain = plain and not any(part.lvm for part in storage.partitions)
        if not plain or ctx.target.step not in _TRANSFER:
            self.forget()
            return
        uuids = {volume.node: volume.uuid for volume in ctx.target.volumes if volume.uuid}
        with contextlib.suppress(StorageError):  # then the next attempt starts over
            write_state(self._file, {"kickstart": _digest(kickstart), "uuids": uuids})

    def forget(self) -> None:
        self._file.unlink(missing_ok=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
