"""The command's wizard on terminals: how it starts, what it loads, and what it costs to show."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from contextlib import contextmanager

import pytest

from engine.events import JobFinished, LogLine, StepStarted
from installer.log import log_file
from tests.installer.kickstarts import HASH, PROJECT, make_repository

MACHINE = PROJECT / "tests/installer/machines/vm.json"
COMMAND = [sys.executable, "-m", "tui.installer_cli"]
DRY = ["--dry-run", "--machine", str(MACHINE)]
F10 = "\x1b[21~"
CTRL_Q = "\x11"
SECONDS = 120
REF = "photon/5.0/x86_64/minimal"


class Terminal:
    """A program on a terminal of 80x24."""

    def __init__(self, process, descriptor):
        self.process = process
        self.descriptor = descriptor
        self.sent = b""

    @property
    def text(self):
        """All that was sent, without the control sequences."""
        plain = re.sub(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b.", b"", self.sent)
        return plain.decode(errors="replace")

    def type(self, keys):
        os.write(self.descriptor, keys.encode())

    def until(self, *texts, since=0):
        """Read until all of texts were sent (after the byte `since`); returns how much there is."""
        end = time.monotonic() + SECONDS
        while not all(text.encode() in self.sent[since:] for text in texts):
            assert time.monotonic() < end, self.text[-3000:]
            if not self._read():
                raise AssertionError(f"it ended: {self.text[-3000:]}")
        return len(self.sent)

    def end(self):
        """The exit code, after all output."""
        while self._read():
            pass
        return self.process.wait(timeout=SECONDS)

    def _read(self):
        ready, _, _ = select.select([self.descriptor], [], [], 1.0)
        if not ready:
            return True
        try:
            chunk = os.read(self.descriptor, 65536)
        except OSError:  # the other side is closed
            return False
        self.sent += chunk
        return bool(chunk)


@contextmanager
def terminal(*arguments, term="vt220"):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (24, 80))
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": term, "LANG": "C.UTF-8"},
        cwd=PROJECT,
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            os.close(ours)


def run(*arguments, **options):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=SECONDS,
        check=False,
        cwd=PROJECT,
        **options,
    )


def kickstart(folder, **keys):
    if not (folder / "repo").exists():
        make_repository(folder / "repo", REF)
    values = {
        "ostree": {"default_repo": True, "profile": "default", "path": str(folder / "repo")},
        "disk": "/dev/vda",
        "hostname": "photon-host-def",
        "password": {"text": HASH, "crypted": True},
        **keys,
    }
    file = folder / "ks.json"
    file.write_text(json.dumps(values))
    return file


@pytest.mark.parametrize("term", ["linux", "vt220"])
def test_without_a_kickstart_the_wizard_starts_in_ascii(term):
    with terminal(*DRY, term=term) as shown:
        shown.until("Welcome", "Accept")
        shown.type(CTRL_Q)
        assert shown.end() == 130
        assert shown.sent.isascii()
        assert b"\x1b[?1000h" not in shown.sent  # no mouse


def test_a_terminal_that_can_show_nothing_is_refused():
    with terminal(*DRY, term="dumb") as shown:
        assert shown.end() == 1
        assert "cannot show menus" in shown.text


def test_without_a_terminal_it_says_what_to_give():
    done = run()
    assert done.returncode == 1
    assert "hint: Give --kickstart" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--interactive"],
        ["--answers", "a", "--kickstart", "b"],
        ["--json"],
        ["--machine", "m"],
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(arguments):
    assert run(*arguments).returncode == 2


FIRST_FRAME = """
import asyncio, sys
from argparse import Namespace
import tui.installer_cli
from tui.installer_wizard import _session, running_installation
options = Namespace(dry_run=False, machine=None, media=None, licence=None, kickstart=None,
                    answers={answers!r}, insecure=False)
session = _session(options, "x86_64")
attempt = running_installation()
from tui.driver import PlainDriver
from tui.wizard.app import WizardApp
async def main():
    async with WizardApp(session, None, attempt).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "WelcomePage", pilot.app.screen
        print(*sorted(sys.modules))
asyncio.run(main())
"""


@pytest.mark.parametrize("given", [False, True])
def test_nothing_heavy_is_loaded_before_the_first_frame(tmp_path, given):
    answers = str(kickstart(tmp_path)) if given else None
    done = subprocess.run(
        [sys.executable, "-c", FIRST_FRAME.format(answers=answers)],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "tui.wizard.welcome" in loaded
    for name in ("pydantic", "gi", "parted", "_ped", "requests", "rpm", "solv", "yaml"):
        assert name not in loaded
    assert "engine.jobs.client" not in loaded


def test_a_kickstart_that_cannot_be_read_is_told_before_the_first_page(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("hostname: [\n")
    with terminal(*DRY, "--answers", file) as shown:
        assert shown.end() == 1
        assert "bad.yaml:" in shown.text
        assert "Welcome" not in shown.text


def test_a_licence_is_shown(tmp_path):
    (tmp_path / "mine").write_text("My own terms.\n")
    with terminal(*DRY, "--licence", tmp_path / "mine") as shown:
        shown.until("My own terms.")


def test_a_whole_installation_costs_little_on_a_serial_line(tmp_path):
    """The recorded one, at its pace, from a kickstart that leaves nothing open."""
    with terminal(*DRY, "--kickstart", kickstart(tmp_path), "--interactive") as shown:
        shown.until("Welcome", "Accept")
        shown.type(F10)
        shown.until("DESTROYED")
        shown.type(F10)
        shown.until("Type vda and press Enter")
        shown.type("vda\r")
        shown.until("This was a dry run: nothing was installed.")
        shown.type("q")
        assert shown.end() == 0
        assert shown.sent.isascii()
        # Mostly whole pages; the progress itself is half a kilobyte a second, and less later.
        assert len(shown.sent) < 110_000


def test_a_kickstart_that_wants_questions_gets_them_on_a_terminal(tmp_path):
    file = kickstart(tmp_path, ui=True)
    with terminal("--kickstart", file, "--media", tmp_path, "--log", tmp_path / "log") as shown:
        if os.geteuid() == 0:
            shown.until("Welcome")
        else:
            assert shown.end() == 1


def test_attach_without_an_installation_says_so():
    done = run("--attach")
    assert done.returncode in (0, 1)
    assert "No installation is running." in done.stdout


def test_the_log_of_the_last_installation_is_shown_as_text(tmp_path):
    path = tmp_path / "log"
    with log_file(path, print) as log:
        for event in (
            StepStarted("a", "Partition the disk", 1, 2),
            LogLine("$ wipefs", "debug"),
            JobFinished(ok=True, message="Installed it."),
        ):
            log(event)
    done = run("log", "--log", path)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "[1/2] Partition the disk",
        "      $ wipefs",
        "Installed it.",
    ]
    with log_file(path, print) as log:
        log(JobFinished(ok=False, message="No."))
    assert run("log", "--log", path).returncode == 1


def test_a_console_for_the_log_waits_for_installations_to_come(tmp_path):
    path = tmp_path / "log"
    with terminal("--log-console", "--log", path) as shown:
        for text in ("one", "two"):
            with log_file(path, print) as log:
                log(LogLine(text, "debug"))
                log(JobFinished(ok=True, message=f"Installed {text}."))
                shown.until(f"Installed {text}.")
        shown.process.terminate()
        assert shown.end() == 130
        assert "Traceback" not in shown.text
