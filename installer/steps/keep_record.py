"""Leave on the new machine how it was installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.events import LogLine
from installer.context import Context
from installer.steps.step import Step

KEPT_LOG = "/var/log/photree-installer.log"
KEPT_KICKSTART = "/root/photree-kickstart.json"
_HOME = "/var/roothome"


@dataclass(frozen=True)
class Record:
    """kickstart: its text, which installs the same machine again; its passwords are hashes.
    log: the file that this installation's log is written to."""

    kickstart: str
    log: Path


class KeepRecord(Step):
    """Both are for root only. The log ends with this step: what follows lets go of the disk."""

    id = "keep-record"
    title = "Keep the log and the kickstart"

    def __init__(self, record: Record) -> None:
        self._record = record

    def do(self, ctx: Context) -> None:
        files = ctx.files
        files.make_directory(_HOME, 0o700)
        files.write(KEPT_KICKSTART, self._record.kickstart, 0o600)
        try:
            log = self._record.log.read_bytes()
        except OSError as error:
            text = f"The log is not kept: {self._record.log}: {error.strerror}"
            ctx.emit(LogLine(text, "warning", self.id))
            return
        files.write(KEPT_LOG, log, 0o600)
