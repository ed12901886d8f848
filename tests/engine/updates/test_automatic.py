"""One run of the automatic updates under every policy, in and outside of windows."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from engine.errors import NetworkError, OstreeError, PhotreeError, PlanError, Problem
from engine.updates.automatic import AutomaticUpdate, UpdateHeldError
from engine.updates.configuration import Settings
from engine.updates.fleetlock import SlotRefused
from engine.updates.record import LastRun, UpdateFound
from engine.updates.window import Window

FOUND = UpdateFound("c" * 64, "5.0_minimal.2", 1795464000, "3 upgraded")
SATURDAY = datetime(2026, 11, 28, 3, 0)
NIGHT = Window.parse("Sat 02:00-04:00")
REFUSED = SlotRefused("http://locks/v1/pre-reboot", 409, "failed_lock", "all slots are locked")


@dataclass
class Machine:
    """A machine as the updater and the restarts see it, which notes what is asked of it."""

    found: UpdateFound | None = FOUND
    waiting: UpdateFound | None = None
    error: PhotreeError | None = None
    refused: str = ""
    held: str = ""
    slot: PhotreeError | None = None
    done: list[str] = field(default_factory=list)
    again: list[datetime] = field(default_factory=list)
    runs: list[LastRun] = field(default_factory=list)

    def check(self) -> UpdateFound | None:
        self.done.append("check")
        if self.error is not None:
            raise self.error
        return self.found

    def objection(self, found: UpdateFound) -> str:
        return "It failed here." if found.checksum == self.refused else ""

    def stage(self) -> UpdateFound | None:
        self.done.append("stage")
        if self.held:
            raise UpdateHeldError(self.held)
        self.found, self.waiting = None, self.found or self.waiting
        return self.waiting

    def take_slot(self) -> None:
        self.done.append("slot")
        if self.slot is not None:
            raise self.slot

    def reboot(self) -> None:
        self.done.append("reboot")

    def run_again(self, moment: datetime) -> None:
        self.again.append(moment)

    def update(self, policy: str, *windows: Window, now: datetime = SATURDAY) -> LastRun:
        automatic = AutomaticUpdate(
            Settings(policy, windows=windows),
            self,
            self,
            now=lambda: now,
            save=self.runs.append,
        )
        return automatic.run(self.runs[-1] if self.runs else None)


def test_check_only_looks() -> None:
    machine = Machine()
    run = machine.update("check")
    assert (run.outcome, run.update, run.policy) == ("available", FOUND, "check")
    assert run.message == "5.0_minimal.2 is available."
    assert machine.done == ["check"]
    assert machine.runs == [run]
    machine.found = None
    run = machine.update("check")
    assert (run.outcome, run.message, run.update) == ("unchanged", "No upgrade available.", None)


def test_stage_stages_and_leaves_the_reboot_to_somebody_else() -> None:
    machine = Machine()
    run = machine.update("stage", NIGHT)
    assert (run.outcome, machine.done) == ("staged", ["check", "stage"])
    assert Machine(found=None).update("stage").outcome == "unchanged"


def test_apply_stages_asks_and_reboots() -> None:
    machine = Machine()
    assert machine.update("apply", NIGHT).outcome == "rebooting"
    assert machine.done == ["check", "stage", "slot", "reboot"]
    assert machine.runs[-1].message == "The machine restarts into 5.0_minimal.2."


def test_apply_without_an_update_does_not_reboot() -> None:
    machine = Machine(found=None)
    assert machine.update("apply").outcome == "unchanged"
    assert machine.done == ["check", "stage"]


def test_apply_reboots_for_what_an_earlier_run_staged() -> None:
    machine = Machine(found=None, waiting=FOUND)
    assert machine.update("apply").outcome == "rebooting"


def test_outside_of_a_window_apply_comes_back_when_the_next_one_opens() -> None:
    machine = Machine()
    run = machine.update("apply", NIGHT, now=SATURDAY - timedelta(days=2))
    assert run.outcome == "waiting"
    assert machine.done == ["check", "stage"]
    assert machine.again == [datetime(2026, 11, 28, 2, 0)]
    assert run.message == (
        "5.0_minimal.2 is staged and waits for its window; again at Sat 2026-11-28 02:00."
    )
    assert machine.update("apply", NIGHT, now=machine.again[0]).outcome == "rebooting"


def test_a_refused_slot_is_asked_for_again_in_growing_pauses() -> None:
    machine = Machine(slot=REFUSED)
    now = SATURDAY
    for _time in range(8):
        run = machine.update("apply", now=now)
        assert (run.outcome, run.update) == ("waiting", FOUND)
        assert "all slots are locked" in run.message
        now = machine.again[-1]
    moments = [SATURDAY, *machine.again]
    pauses = [
        (later - earlier).total_seconds() / 60 for earlier, later in itertools.pairwise(moments)
    ]
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert "reboot" not in machine.done
    machine.slot = None
    assert machine.update("apply", now=now).outcome == "rebooting"
    assert machine.runs[-1].refusals == 0


def test_a_pause_that_would_end_after_the_window_goes_on_in_the_next_one() -> None:
    machine = Machine(slot=NetworkError("http://locks/ could not be reached."))
    now = datetime(2026, 11, 28, 3, 59)
    assert machine.update("apply", NIGHT, now=now).outcome == "waiting"
    assert machine.again == [datetime(2026, 12, 5, 2, 0)]


@pytest.mark.parametrize("policy", ["check", "stage", "apply"])
def test_a_version_that_the_machine_objects_to_is_not_taken(policy: str) -> None:
    machine = Machine(refused=FOUND.checksum)
    run = machine.update(policy)
    assert (run.outcome, machine.done) == ("avoided", ["check"])
    assert (run.message, run.update) == ("It failed here.", FOUND)
    machine.found = replace(FOUND, checksum="d" * 64)
    assert machine.update(policy).outcome != "avoided"


@pytest.mark.parametrize("policy", ["stage", "apply"])
def test_what_an_administrator_chose_for_the_next_boot_stands(policy: str) -> None:
    machine = Machine(held="5.0_minimal was chosen for the next boot.")
    run = machine.update(policy)
    assert (run.outcome, run.message, run.update) == ("held", machine.held, FOUND)
    assert machine.done == ["check", "stage"]


def test_a_failure_is_kept_and_the_update_that_was_known_too() -> None:
    machine = Machine()
    machine.update("check")
    machine.error = OstreeError("The server is gone.")
    with pytest.raises(OstreeError):
        machine.update("check")
    last = machine.runs[-1]
    assert (last.outcome, last.message, last.update) == ("failed", "The server is gone.", FOUND)


def test_a_configuration_with_mistakes_does_nothing() -> None:
    machine = Machine()
    settings = Settings("apply", problems=(Problem("photree.conf:3", "There is no key 'X'."),))
    automatic = AutomaticUpdate(settings, machine, machine, lambda: SATURDAY, machine.runs.append)
    with pytest.raises(PlanError, match="not valid"):
        automatic.run(None)
    assert machine.done == []
