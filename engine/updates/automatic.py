"""One run of the automatic updates: look, stage or apply, as the policy says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from engine.errors import NetworkError, PhotreeError
from engine.state_file import utc
from engine.updates.configuration import Settings
from engine.updates.fleetlock import SlotRefused
from engine.updates.record import LastRun, UpdateFound
from engine.updates.window import is_open, next_opening

NO_UPGRADE = "No upgrade available."
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(minutes=30)


class UpdateHeldError(PhotreeError):
    """An administrator's choice for the next boot stands; the message names it."""


class Updater(Protocol):
    """The machine's deployments, as far as an update needs them. All raise PhotreeError."""

    def check(self) -> UpdateFound | None:
        """What the followed ref has that the machine has not, neither running nor waiting."""
        ...

    def objection(self, found: UpdateFound) -> str:
        """Why this machine must not take it by itself, as a sentence, or ""."""
        ...

    def stage(self) -> UpdateFound | None:
        """Make the newest commit boot next. The update that waits for the next boot then, no
        matter whether this or an earlier run made it; None when the next boot brings no other
        commit than the running one. Raises UpdateHeldError when nothing may be staged now."""
        ...


class Restarts(Protocol):
    """How the machine restarts, and how this program comes back later."""

    def take_slot(self) -> None:
        """Ask for the leave to restart. Raises SlotRefused, NetworkError."""
        ...

    def reboot(self) -> None:
        """Begin to restart; returns."""
        ...

    def run_again(self, moment: datetime) -> None:
        """Have another run at a moment of local time, instead of any that was set before."""
        ...


@dataclass(frozen=True)
class AutomaticUpdate:
    """now: the local time. save: keeps what came of a run."""

    settings: Settings
    updater: Updater
    restarts: Restarts
    now: Callable[[], datetime]
    save: Callable[[LastRun], None]

    def run(self, former: LastRun | None) -> LastRun:
        """former: what the last run came to. Whatever happens is saved; raises PhotreeError."""
        self.settings.require_valid()
        try:
            run = self._run(former)
        except PhotreeError as error:
            self.save(self._ended("failed", error.message, former.update if former else None))
            raise
        self.save(run)
        if run.outcome == "rebooting":
            self.restarts.reboot()
        return run

    def _run(self, former: LastRun | None) -> LastRun:
        found = self.updater.check()
        objection = self.updater.objection(found) if found is not None else ""
        if objection:
            return self._ended("avoided", objection, found)
        if self.settings.policy == "check":
            if found is None:
                return self._ended("unchanged", NO_UPGRADE)
            return self._ended("available", f"{found} is available.", found)
        return self._stage(found, former)

    def _stage(self, found: UpdateFound | None, former: LastRun | None) -> LastRun:
        try:
            waiting = self.updater.stage()
        except UpdateHeldError as held:
            return self._ended("held", held.message, found)
        if waiting is None:
            return self._ended("unchanged", NO_UPGRADE)
        if self.settings.policy == "stage":
            return self._ended("staged", f"{waiting} is staged for the next boot.", waiting)
        return self._apply(waiting, former)

    def _apply(self, waiting: UpdateFound, former: LastRun | None) -> LastRun:
        now = self.now()
        windows = self.settings.windows
        if not is_open(windows, now):
            return self._later(next_opening(windows, now), waiting, "its window")
        try:
            self.restarts.take_slot()
        except (SlotRefused, NetworkError) as error:
            refusals = (former.refusals if former is not None else 0) + 1
            moment = now + min(_FIRST_PAUSE * 2 ** min(refusals - 1, 10), _LONGEST_PAUSE)
            if not is_open(windows, moment):
                moment = next_opening(windows, now)
            reason = f"its slot: {error.message.removesuffix('.')}"
            return self._later(moment, waiting, reason, refusals)
        return self._ended("rebooting", f"The machine restarts into {waiting}.", waiting)

    def _later(
        self, moment: datetime, waiting: UpdateFound, reason: str, refusals: int = 0
    ) -> LastRun:
        self.restarts.run_again(moment)
        message = (
            f"{waiting} is staged and waits for {reason}; again at {moment:%a %Y-%m-%d %H:%M}."
        )
        return self._ended("waiting", message, waiting, refusals)

    def _ended(
        self, outcome: str, message: str, update: UpdateFound | None = None, refusals: int = 0
    ) -> LastRun:
        time = utc(self.now().timestamp())
        return LastRun(time, self.settings.policy, outcome, message, update, refusals)
