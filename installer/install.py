"""An installation as a job: a process of its own that goes on when the terminal is gone.

`python -m installer.install FOLDER` is that process: `engine.jobs.runner`, with this one kind.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.events import Emit, Event, JobFinished
from engine.transactions.transaction import Result, Transaction
from installer.context import Context
from installer.kickstart.export import kickstart_from_plan
from installer.kickstart.load import Loaded, parse_kickstart, plan_installation
from installer.kickstart.online import fetch_refs_of
from installer.log import LOG, log_file
from installer.plan import InstallPlan
from installer.resume import Leftover, Resumption
from installer.runner import StepInfo, run_steps
from installer.sequence import installation_steps, resumed_steps
from installer.steps.keep_record import KEPT_KICKSTART, Record
from installer.steps.step import Step
from installer.workspace import JOBS, private_workspace

LEFTOVER = JOBS.with_name("leftover.json")
KINDS: Mapping[str, str] = {"install": "installer.install:Install"}
PROGRAM = (sys.executable, "-P", "-m", "installer.install")


@dataclass(frozen=True)
class Install(Transaction):
    """kickstart: JSON whose passwords are hashes. media: where it is mounted, "" for none.
    steps: (id, title, weight) of each step, for those who watch. resume: go on with what a failed
    attempt at the same has left, where there is something. leftover: the file that tells."""

    kind: ClassVar[str] = "install"
    kickstart: str = ""
    arch: str = ""
    media: str = ""
    target: str = ""
    steps: tuple[tuple[str, str, int], ...] = ()
    log: str = str(LOG)
    resume: bool = False
    leftover: str = str(LEFTOVER)

    @classmethod
    def of(cls, plan: InstallPlan, media: Path | None, log: Path = LOG) -> Install:
        kickstart = kickstart_from_plan(plan)
        steps = (StepInfo.of(step) for step in installation_steps(plan, Record(kickstart, log)))
        return cls(
            kickstart=kickstart,
            arch=plan.arch,
            media=str(media or ""),
            target=", ".join(disk.name for disk in plan.storage.disks),
            steps=tuple((step.id, step.title, step.weight) for step in steps),
            log=str(log),
        )

    @property
    def title(self) -> str:
        return f"install on {self.target}"

    def execute(self, emit: Emit, cancel: CancelToken) -> Result:
        """Raises PhotreeError; the job's own end is reported by its runner."""
        log = Path(self.log)
        with log_file(log, emit, append=self.resume) as write:
            both = _both(emit, write)
            plan = self._plan(both, cancel)
            message = self._run(plan, both, cancel)
        return Result(True, message, details={"log": self.log, "kickstart": KEPT_KICKSTART})

    def _plan(self, emit: Emit, cancel: CancelToken) -> InstallPlan:
        return plan_installation(
            Loaded(parse_kickstart(self.kickstart, "the kickstart"), None),
            arch=self.arch,
            media=Path(self.media) if self.media else None,
            commands=SystemCommands(emit, cancel),
            emit=emit,
            refs_of=fetch_refs_of(cancel),
        )

    def _run(self, plan: InstallPlan, emit: Emit, cancel: CancelToken) -> str:
        """Returns what was installed where."""
        from installer.system import system_doors  # noqa: PLC0415 - loads libostree

        doors = system_doors(emit, cancel)
        resumption = Resumption(Path(self.leftover))
        left = resumption.find(self.kickstart) if self.resume else None
        steps = self._steps(plan, left)
        with private_workspace(doors.commands) as workspace:
            ctx = Context(plan, doors, emit, cancel, workspace)
            try:
                run_steps(steps, ctx)
            except BaseException:
                resumption.keep(self.kickstart, ctx)
                raise
            resumption.forget()
            return ctx.outcome

    def _steps(self, plan: InstallPlan, left: Leftover | None) -> list[Step]:
        record = Record(self.kickstart, Path(self.log))
        if left is None:
            return installation_steps(plan, record)
        return resumed_steps(plan, left.uuids, record)

    @property
    def answers(self) -> dict[str, object]:
        """The kickstart's keys."""
        keys: dict[str, object] = json.loads(self.kickstart)
        return keys


def _both(emit: Emit, log: Emit) -> Emit:
    """To both; the end of the steps is for the log only."""

    def both(event: Event) -> None:
        log(event)
        if not isinstance(event, JobFinished):
            emit(event)

    return both


def main(arguments: list[str]) -> int:
    from engine.jobs.runner import main as run  # noqa: PLC0415 - for the job's own process only

    return run(arguments, KINDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
