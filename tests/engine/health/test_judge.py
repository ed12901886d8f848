"""What a machine does after the checks of a boot: stay, go back, or only say so."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from engine.command import SystemCommands
from engine.errors import OstreeError, StorageError
from engine.health.boot_counter import BootCounter, Trial
from engine.health.checks import CheckResult
from engine.health.judge import Entry, Judge, Judgement, prepare_next_boot
from engine.health.record import HealthRecord, read_health, write_health
from engine.health.summary import health_lines, health_of
from tests.engine.health.grub import generate_menu

GOOD = (CheckResult("10-web", True, 0.1), CheckResult("20-db", True, 0.2))
BAD = (CheckResult("10-web", False, 0.1, "exit code 1: no answer"), GOOD[1])
NOON = 1795867200.0  # 2026-11-28T12:00:00Z


def entry(version: str) -> Entry:
    return Entry(f"photon-{version}.0", version, f"commit-of-{version}")


@dataclass
class Machine:
    """A machine with real grubenv and record, and a boot order that only this object keeps."""

    root: Path
    versions: list[str]
    booted: str
    staged: str = ""
    moved: list[str] = field(default_factory=list)
    barred: bool = False

    def __post_init__(self) -> None:
        boot = self.root / "boot/grub"
        boot.mkdir(parents=True)
        (boot / "grub.cfg").write_text(generate_menu(self.root, *self.versions))

    @property
    def counter(self) -> BootCounter:
        mounts = self.root / "mountinfo"  # whatever the tests' own file system is
        mounts.write_text("36 25 0:31 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n")
        return BootCounter(self.root / "boot", SystemCommands(), mounts=mounts)

    @property
    def record(self) -> HealthRecord:
        return read_health(self.root)

    @property
    def entries(self) -> list[Entry]:
        staged = [replace(entry(self.staged), staged=True)] if self.staged else []
        rest = [replace(entry(each), booted=each == self.booted) for each in self.versions]
        return [*staged, *rest]

    def put_first(self, deployment: str) -> None:
        if self.barred:
            raise OstreeError("The system root is in use.")
        version = deployment.removeprefix("photon-").removesuffix(".0")
        self.moved.append(version)
        self.versions.sort(key=lambda each: each != version)

    def judge(self) -> Judge:
        return Judge(
            self.entries,
            self.record,
            self.counter,
            put_first=self.put_first,
            save=lambda record: write_health(record, self.root),
            now=lambda: NOON,
        )

    def boot(self, version: str, results: tuple[CheckResult, ...]) -> tuple[str, Judgement]:
        """What the health service does after a deployment has booted."""
        self.booted = version
        judge = self.judge()
        return judge.settle(), judge.judge(results)

    def status(self) -> list[str]:
        health = health_of(self.record, entry(self.booted).id)
        return list(health_lines(health)) if health is not None else []

    def prepare(self, tries: int = 2) -> str:
        return prepare_next_boot(self.entries, self.record, self.counter, tries)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """It has booted "new" for the first time; "old" was healthy."""
    found = Machine(tmp_path, ["old"], "old")
    found.boot("old", GOOD)
    found.versions.insert(0, "new")
    return found


def test_a_new_deployment_whose_checks_pass_is_healthy_and_stays(machine: Machine) -> None:
    machine.counter.arm("photon-new.0", 1)
    assert machine.boot("new", GOOD) == ("", Judgement("new is healthy (2 checks).", healthy=True))
    assert machine.record.trusts("photon-new.0")
    assert machine.counter.read() == Trial()
    assert machine.status() == ["Health: healthy (2 checks, 2026-11-28T12:00:00Z)"]
    assert machine.moved == []


def test_a_new_deployment_whose_check_fails_is_left(machine: Machine) -> None:
    machine.counter.arm("photon-new.0", 1)
    _settled, judgement = machine.boot("new", BAD)
    assert judgement == Judgement(
        "new is not healthy: check 10-web failed: exit code 1: no answer. Going back to old.",
        healthy=False,
        reboot=True,
    )
    assert machine.versions == ["old", "new"]
    assert machine.counter.read() == Trial()
    assert machine.boot("old", GOOD)[1].healthy
    assert machine.status() == [
        "Health: fell back from new "
        "(check 10-web failed: exit code 1: no answer; 2026-11-28T12:00:00Z)"
    ]
    assert machine.record.failure_of("commit-of-new").version == "new"


def test_there_is_no_circle_when_the_former_one_fails_too(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ["new", "old"], "new")  # nothing is known of either
    assert machine.boot("new", BAD)[1].reboot
    for _boot in range(2):
        judgement = machine.boot("old", BAD)[1]
        assert (judgement.reboot, judgement.healthy) == (False, False)
    assert machine.moved == ["old"]
    assert machine.status() == [
        "Health: fell back from new "
        "(check 10-web failed: exit code 1: no answer; 2026-11-28T12:00:00Z)",
        "Health: not healthy (check 10-web failed: exit code 1: no answer; 2026-11-28T12:00:00Z)",
    ]


def test_one_that_was_healthy_before_is_only_reported(machine: Machine) -> None:
    machine.boot("new", GOOD)
    judgement = machine.boot("new", BAD)[1]
    assert (judgement.reboot, judgement.healthy) == (False, False)
    assert machine.record.trusts("photon-new.0")
    assert machine.moved == []


def test_the_only_one_is_only_reported(tmp_path: Path) -> None:
    machine = Machine(tmp_path, ["only"], "only")
    judgement = machine.boot("only", BAD)[1]
    assert judgement == Judgement(
        "only is not healthy: check 10-web failed: exit code 1: no answer.", healthy=False
    )
    assert not machine.record.trusts("photon-only.0")


def test_one_that_somebody_chose_in_the_menu_is_not_left(machine: Machine) -> None:
    machine.versions.append("oldest")
    judgement = machine.boot("oldest", BAD)[1]
    assert (judgement.reboot, machine.moved) == (False, [])


def test_a_healthy_one_is_preferred_to_one_that_nobody_knows(machine: Machine) -> None:
    machine.versions.insert(1, "unknown")
    machine.boot("new", BAD)
    assert machine.moved == ["old"]


def test_one_that_failed_may_be_tried_again_and_then_stays(machine: Machine) -> None:
    machine.boot("new", BAD)
    machine.put_first("photon-new.0")
    assert machine.boot("new", GOOD)[1].healthy
    assert machine.record.failure_of("commit-of-new") is None
    assert machine.status() == ["Health: healthy (2 checks, 2026-11-28T12:00:00Z)"]


def test_a_later_deployment_that_is_healthy_ends_the_story(machine: Machine) -> None:
    machine.boot("new", BAD)
    machine.boot("old", GOOD)
    machine.versions = ["newer", "old"]
    machine.boot("newer", GOOD)
    assert machine.status() == ["Health: healthy (2 checks, 2026-11-28T12:00:00Z)"]
    assert machine.record.failure_of("commit-of-new").version == "new"
    assert set(machine.record.verdicts) == {"photon-newer.0", "photon-old.0"}


def test_when_the_menu_went_back_that_is_made_to_last(machine: Machine) -> None:
    block = machine.root / "boot/grub/grubenv"
    machine.counter.arm("photon-new.0", 1)
    SystemCommands().run(["grub-editenv", str(block), "set", "photree_tries=fallback"])
    settled, judgement = machine.boot("old", GOOD)
    assert settled == "The machine went back from new: it did not start."
    assert judgement == Judgement("old is healthy (2 checks).", healthy=True)
    assert machine.versions == ["old", "new"]
    assert machine.counter.read() == Trial()
    assert machine.status()[0].startswith("Health: fell back from new (it did not start; ")
    assert machine.record.failure_of("commit-of-new").version == "new"


def test_a_machine_that_cannot_remember_does_not_go_back(machine: Machine) -> None:
    folder = machine.root / "var/lib/photree"
    (folder / ".health.json.new").mkdir()
    with pytest.raises(StorageError):
        machine.boot("new", BAD)
    assert machine.moved == []


def test_when_the_way_back_is_barred_that_is_an_error_and_tried_again(machine: Machine) -> None:
    machine.counter.arm("photon-new.0", 1)
    machine.barred = True
    with pytest.raises(OstreeError, match="in use"):
        machine.boot("new", BAD)
    assert machine.counter.read() == Trial("photon-new.0", 1)
    machine.barred = False
    assert machine.boot("new", BAD)[1].reboot


def test_a_staged_deployment_is_none_that_ran(machine: Machine) -> None:
    machine.staged = "newest"
    assert machine.boot("new", BAD)[1].reboot
    assert machine.moved == ["old"]


def test_before_a_new_deployment_boots_its_tries_are_set(machine: Machine) -> None:
    machine.boot("new", GOOD)
    assert machine.prepare() == "new boots next, and its boots are not counted."
    machine.staged = "newest"
    assert machine.prepare(3) == "newest boots next, on trial."
    assert machine.counter.read() == Trial("photon-newest.0", 3)
    machine.staged = ""
    machine.prepare()
    assert machine.counter.read() == Trial()


def test_a_restart_during_a_trial_does_not_begin_it_anew(machine: Machine) -> None:
    machine.booted = "new"
    machine.counter.arm("photon-new.0", 1)
    machine.prepare(2)
    assert machine.counter.read() == Trial("photon-new.0", 1)
    machine.booted = "old"  # chosen in the menu: that was no try of the new one
    machine.prepare(2)
    assert machine.counter.read() == Trial("photon-new.0", 2)


@pytest.mark.parametrize("tries", [0, 2])
def test_without_a_way_back_or_any_tries_nothing_is_counted(tmp_path: Path, tries: int) -> None:
    machine = Machine(tmp_path, ["only"] if tries else ["new", "old"], "only" if tries else "old")
    machine.prepare(tries)
    assert machine.counter.read() == Trial()


def test_a_menu_that_cannot_count_is_said(machine: Machine) -> None:
    (machine.root / "boot/grub/grub.cfg").write_text("")
    assert machine.prepare() == (
        "new boots next; its boots cannot be counted: GRUB's menu was made without boot counting."
    )
    assert machine.counter.read() == Trial()


@pytest.mark.parametrize("text", ["", "{}", '{"verdicts": 3, "fallback": null, "failures": []}'])
def test_a_damaged_record_knows_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "var/lib/photree").mkdir(parents=True)
    (tmp_path / "var/lib/photree/health.json").write_text(text)
    assert read_health(tmp_path) == HealthRecord()
