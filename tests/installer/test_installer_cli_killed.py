"""An installation that is stopped at any moment leaves no mount, no loop device, no process."""

import json
import signal
import subprocess
import time
import zlib
from pathlib import Path

import pytest

from tests.installer.fake_tree import FakeTree
from tests.installer.test_installer_cli import COMMAND, write_kickstart

pytestmark = pytest.mark.root

SECONDS = 30
# Steps at whose beginning the signal is sent. The last one runs a script that never ends, so the
# installation is never over before it.
STEPS = (
    "create-images",
    "partition-disks",
    "format-volumes",
    "mount-target",
    "initialise-sysroot",
    "pull-tree",
    "deploy-tree",
    "create-accounts",
    "run-post-scripts",
)


class Scene:
    """One installation into folder, which ends with a script that sleeps for a peculiar time."""

    def __init__(self, folder: Path, tree: FakeTree) -> None:
        self.folder, self._tree = folder, tree
        self._sleep = str(10**6 + zlib.crc32(str(folder).encode()))
        self._namespaces: set[str] = set()

    def stop(self, step: str, number: signal.Signals) -> int:
        """Install until the step begins, send the signal; the exit code.

        Fails, with what the installer said, when it ends before the step.
        """
        script = ["#!/bin/bash", f"sleep {self._sleep}"]
        file = write_kickstart(self.folder, self._tree, postinstall=script)
        with subprocess.Popen(
            [*COMMAND, "--kickstart", str(file), "--json", "--log", str(self.folder / "log")],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                event = json.loads(line)
                if event["event"] == "StepStarted" and event["step"] == step:
                    self._namespaces.add(str(Path(f"/proc/{process.pid}/ns/mnt").readlink()))
                    process.send_signal(number)
                    break
            else:
                pytest.fail(f"it ended before {step}:\n{said}")
            process.communicate(timeout=SECONDS)
        return process.returncode

    def leftovers(self) -> list[str]:
        """Loop devices with our image; processes that see our mounts, or are our script."""
        found = [
            f"{path.parent.parent.name} is attached"
            for path in Path("/sys/block").glob("loop*/loop/backing_file")
            if str(self.folder) in read(path)
        ]
        for process in Path("/proc").glob("[0-9]*"):
            command = read(process / "cmdline").replace("\0", " ")
            if self._sleep in command or namespace(process) in self._namespaces:
                found.append(f"process {process.name} runs: {command}")
        return found

    def settle(self) -> list[str]:
        """leftovers, once there are none or time is over: after SIGKILL the kernel cleans up."""
        end = time.monotonic() + SECONDS
        while (found := self.leftovers()) and time.monotonic() < end:
            time.sleep(0.05)
        return found

    @property
    def images(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("disk.img*"))


@pytest.fixture
def scene(tree: FakeTree, tmp_path: Path) -> Scene:
    return Scene(tmp_path, tree)


def namespace(process: Path) -> str:
    try:
        return str((process / "ns/mnt").readlink())
    except OSError:
        return ""


def read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", STEPS)
def test_after_a_signal_everything_is_released(scene, step, number):
    assert scene.stop(step, number) == 130
    assert scene.leftovers() == []
    assert scene.images == []


@pytest.mark.parametrize("step", STEPS)
def test_even_after_sigkill_nothing_stays_mounted_or_attached(scene, step):
    assert scene.stop(step, signal.SIGKILL) == -signal.SIGKILL
    assert scene.settle() == []


def test_an_image_left_by_a_killed_run_does_not_disturb_the_next(scene):
    scene.stop("deploy-tree", signal.SIGKILL)
    assert scene.settle() == []
    assert scene.images == ["disk.img.part"]
    assert scene.stop("run-post-scripts", signal.SIGINT) == 130
    assert scene.images == []
