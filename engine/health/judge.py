"""The judgement of a boot: its checks, and the way back to the former deployment when they fail.

A deployment is on trial when it boots by default for the first time and the machine has another one
to go back to. One that was healthy once, or that the machine went back to, is looked at, too, but
never left: so there is no circle of restarts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.health.boot_counter import BootCounter, Trial
from engine.health.checks import CheckResult, counted, first_failure
from engine.health.record import Fallback, HealthRecord
from engine.state_file import utc


@dataclass(frozen=True)
class Entry:
    """A deployment in boot order. commit: its base commit, the one that the followed ref named.
    version: of the commit, or the beginning of its id."""

    id: str
    version: str
    commit: str
    booted: bool = False
    staged: bool = False


@dataclass(frozen=True)
class Judgement:
    """message: a sentence. healthy: the machine runs well (perhaps on the former deployment).
    reboot: it is to be restarted, into the former one."""

    message: str
    healthy: bool
    reboot: bool = False


class Judge:
    """entries: the booted stateroot's, one of them booted. put_first: makes the deployment with an
    id boot by default from now on, and drops a staged one. save: keeps the record, durably.
    now: seconds since 1970."""

    def __init__(
        self,
        entries: Sequence[Entry],
        record: HealthRecord,
        counter: BootCounter,
        *,
        put_first: Callable[[str], None],
        save: Callable[[HealthRecord], None],
        now: Callable[[], float],
    ) -> None:
        self._entries = [entry for entry in entries if not entry.staged]
        self._booted = next(entry for entry in self._entries if entry.booted)
        self._counter = counter
        self._put_first = put_first
        self._save = save
        self._now = now
        self._record = record.only(entry.id for entry in entries)

    def settle(self) -> str:
        """When the menu went back by itself: make that last, and say so. "" when it did not."""
        if not self._counter.read().fell_back or self._entries[0] is self._booted:
            return ""
        failed = self._entries[0]
        fallback = self._fallback(failed, self._booted, "it did not start")
        self._keep(self._record.fell_back(fallback, ()))
        self._put_first(self._booted.id)
        self._counter.clear()
        return f"The machine went back from {failed.version}: it did not start."

    def judge(self, results: tuple[CheckResult, ...]) -> Judgement:
        """results: of the checks. Raises PhotreeError when the way back is barred."""
        booted, reason = self._booted, first_failure(results)
        if reason and self._on_trial():
            return self._go_back(reason, results)
        self._keep(self._record.judged(booted.id, booted.commit, results, utc(self._now())))
        if self._entries[0] is booted:
            self._counter.clear()
        if reason:
            return Judgement(f"{booted.version} is not healthy: {reason}.", healthy=False)
        return Judgement(f"{booted.version} is healthy ({counted(results)}).", healthy=True)

    def _on_trial(self) -> bool:
        first = self._entries[0] is self._booted
        return first and len(self._entries) > 1 and not self._record.trusts(self._booted.id)

    def _go_back(self, reason: str, results: tuple[CheckResult, ...]) -> Judgement:
        """What is on record comes first: a machine that cannot remember must not restart."""
        failed, others = self._booted, self._entries[1:]
        target = next((each for each in others if self._record.trusts(each.id)), others[0])
        fallback = self._fallback(failed, target, reason)
        self._keep(self._record.fell_back(fallback, results))
        self._put_first(target.id)
        self._counter.clear()
        message = f"{failed.version} is not healthy: {reason}. Going back to {target.version}."
        return Judgement(message, healthy=False, reboot=True)

    def _fallback(self, failed: Entry, target: Entry, reason: str) -> Fallback:
        time = utc(self._now())
        return Fallback(failed.id, failed.version, failed.commit, target.id, reason, time)

    def _keep(self, record: HealthRecord) -> None:
        self._save(record)
        self._record = record


def prepare_next_boot(
    entries: Sequence[Entry], record: HealthRecord, counter: BootCounter, tries: int
) -> str:
    """Before the machine stops: count the boots of a deployment that is not known yet.

    entries: the booted stateroot's, the staged one included. Returns a sentence for the log.
    Raises PhotreeError.
    """
    following = entries[0]
    trial = counter.read()
    if tries == 0 or len(entries) < 2 or record.trusts(following.id):
        counter.clear()
        return f"{following.version} boots next, and its boots are not counted."
    obstacle = counter.obstacle()
    if obstacle:
        return f"{following.version} boots next; its boots cannot be counted: {obstacle}."
    if not _goes_on(following, trial):
        counter.arm(following.id, tries)
    return f"{following.version} boots next, on trial."


def _goes_on(following: Entry, trial: Trial) -> bool:
    """Whether this boot is a trial of the deployment already, that has not come to an end."""
    return following.booted and trial.deployment == following.id and trial.tries is not None
