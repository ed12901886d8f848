"""An installation as a job: it ends alone, tells how, and what it left is gone on with."""

import signal
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import Cancelled, PhotreeError, StorageError
from engine.events import Event, LogLine, StepFinished, StepStarted
from engine.jobs.job import LOCK
from engine.jobs.process import is_held, send_signal
from installer.install import Install
from installer.installations import JobInstallations
from installer.log import follow, read_line
from tests.engine.jobs.conftest import until
from tests.installer.fake_tree import REF, FakeTree
from tests.installer.kickstarts import planned

pytestmark = pytest.mark.root


class Bench:
    """Installations into folder, on a loop device in the place of a disk."""

    def __init__(self, folder: Path, disk: str, repo: Path) -> None:
        self.folder, self.disk, self.repo = folder, disk, repo
        self.installations = JobInstallations(folder / "photree/jobs")
        self.events: list[Event] = []

    def order(self, **keys: object) -> Install:
        source = {"repo_url": self.repo.as_uri(), "repo_ref": REF, "gpg_verify": False}
        plan = planned(
            {"ostree": source, "disk": self.disk, "hostname": "job-host", **keys},
        )
        found = Install.of(plan, None, self.folder / "log")
        return replace(found, leftover=str(self.folder / "leftover.json"))

    def run(self, install: Install):
        """To its end; its outcome."""
        attempt = self.installations.start(install)
        self.events.clear()
        outcome = attempt.follow(self.events.append, lambda: False)
        until(lambda: not is_held(attempt.job.folder / LOCK))  # it lets go of the disk at its end
        return outcome

    def damage(self) -> tuple[Path, bytes]:
        """Install from a copy of the tree, whose largest object cannot be read any more."""
        copy = self.folder / "copy"
        output("cp", "-a", self.repo, copy)
        self.repo = copy
        damaged = max(copy.glob("objects/*/*.filez"), key=lambda path: path.stat().st_size)
        content = damaged.read_bytes()
        damaged.write_bytes(content[: len(content) // 2])
        return damaged, content

    @property
    def steps(self) -> list[str]:
        return [event.step for event in self.events if isinstance(event, StepStarted)]

    def end(self) -> None:
        running = self.installations.running()
        if running is not None:
            send_signal(running.job.folder / LOCK, signal.SIGKILL)
            until(lambda: running.outcome is not None)


@pytest.fixture
def bench(tmp_path, empty_disk, tree: FakeTree):
    bench = Bench(tmp_path, empty_disk, tree.repo)
    yield bench
    bench.end()


def output(*argv):
    return subprocess.run(list(map(str, argv)), check=True, capture_output=True, text=True).stdout


def test_an_installation_leaves_its_log_and_its_kickstart_on_the_machine(bench, tmp_path):
    install = bench.order(password={"text": "$6$salt$" + "a" * 86, "crypted": True})
    outcome = bench.run(install)
    assert outcome.get().message.startswith("Installed photon:")
    assert bench.steps == [id for id, _title, _weight in install.steps]
    assert bench.steps[-2:] == ["keep-record", "finish"]
    place = tmp_path / "mounted"
    place.mkdir()
    output("mount", f"{bench.disk}p4", place)
    try:
        var = place / "ostree/deploy/photon/var"
        kept = var / "roothome/photree-kickstart.json"
        assert kept.read_text() == install.kickstart
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        log = var / "log/photree-installer.log"
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        events = [read_line(line)[1] for line in log.read_text().splitlines()]
        assert StepStarted in map(type, events)
    finally:
        output("umount", place)
    assert stat.S_IMODE((tmp_path / "photree/jobs").stat().st_mode) == 0o700
    assert "$6$" not in (tmp_path / "log").read_text()


def test_the_log_of_a_job_ends_with_its_end(bench, tmp_path):
    bench.run(bench.order())
    last = read_line((tmp_path / "log").read_text().splitlines()[-1])[1]
    assert last.ok
    assert last.message.startswith("Installed")


def test_what_was_transferred_before_a_failure_is_gone_on_with(bench, tmp_path):
    """A damaged object stops the first attempt in the middle of the transfer."""
    damaged, content = bench.damage()
    install = bench.order()
    with pytest.raises(PhotreeError):
        bench.run(install).get()
    assert bench.steps[-1] == "pull-tree"
    assert bench.installations.can_resume(install)
    damaged.write_bytes(content)
    outcome = bench.run(replace(install, resume=True))
    assert outcome.get().changed
    assert bench.steps[:5] == [
        "check-target",
        "find-volumes",
        "mount-target",
        "mount-data",
        "pull-tree",
    ]
    assert not bench.installations.can_resume(install)
    text = (tmp_path / "log").read_text()
    assert text.count('"step": "pull-tree", "title"') == 2  # the log has both attempts


def test_a_disk_that_was_changed_meanwhile_is_not_gone_on_with(bench, tmp_path):
    bench.damage()
    install = bench.order()
    with pytest.raises(PhotreeError):
        bench.run(install).get()
    output("mkfs.ext4", "-q", "-F", f"{bench.disk}p4")
    with pytest.raises(StorageError, match="is not as the former attempt left it"):
        bench.run(replace(install, resume=True)).get()
    assert not bench.installations.can_resume(install)


def test_a_failure_after_the_transfer_starts_over(bench):
    install = bench.order(postinstall=["#!/bin/bash", "exit 7"])
    with pytest.raises(PhotreeError, match="exit code 7"):
        bench.run(install).get()
    assert not bench.installations.can_resume(install)


def test_another_kickstart_is_not_gone_on_with(bench, tmp_path):
    bench.damage()
    with pytest.raises(PhotreeError):
        bench.run(bench.order()).get()
    assert not bench.installations.can_resume(bench.order(hostname="other"))


def test_it_is_found_again_and_cancelled_by_another_front_end(bench):
    install = bench.order(postinstall=["#!/bin/bash", "echo waiting; sleep 1000000"])
    bench.installations.start(install)

    until(lambda: any("waiting" in str(each) for each in written(bench.folder / "log")))
    other = JobInstallations(bench.folder / "photree/jobs").running()
    assert other.install == install
    assert [step.id for step in other.steps] == [id for id, _title, _weight in install.steps]
    other.cancel()
    seen: list[Event] = []
    outcome = other.follow(seen.append, lambda: False)
    assert isinstance(outcome.error, Cancelled)
    assert any(isinstance(event, StepFinished) for event in seen)
    assert bench.installations.running() is None
    assert bench.installations.last().install == install


def written(path: Path) -> list[Event]:
    """What a log holds now."""
    turns = iter((False, True))
    return list(follow(path, stop=lambda: next(turns), wait=lambda _seconds: None))


def test_a_source_that_is_gone_is_told_before_anything_is_written(bench, tmp_path, tree):
    copy = tmp_path / "copy"
    output("cp", "-a", tree.repo, copy)
    bench.repo = copy
    install = bench.order()
    (copy / "config").rename(copy / "gone")
    with pytest.raises(PhotreeError):
        bench.run(install).get()
    assert bench.steps == []
    last = read_line((tmp_path / "log").read_text().splitlines()[-1])[1]
    assert not last.ok


def test_a_log_that_cannot_be_written_is_no_reason_not_to_install(bench):
    install = replace(bench.order(), log="/dev/null/no/log")
    assert bench.run(install).get().changed
    warnings = [e.text for e in bench.events if isinstance(e, LogLine) and e.level == "warning"]
    assert any("there will be no log" in text for text in warnings)
    assert any("The log is not kept" in text for text in warnings)


def test_what_is_written_down_of_a_job_has_no_clear_password(bench):
    bench.run(bench.order(password={"text": "hunter2hunter2", "crypted": False}))
    (folder,) = (bench.folder / "photree/jobs").glob("0*")
    assert '"hunter2hunter2"' not in "".join(path.read_text() for path in folder.iterdir())
