"""Mounts of our own: invisible to the machine, gone with the process."""

import signal
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import subprocess, sys
from engine.namespace import ensure_private_mounts
ensure_private_mounts()
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", sys.argv[1]], check=True)
print("mounted", flush=True)
sys.stdin.read()
"""


def test_mounts_are_ours_alone_and_end_with_a_killed_process(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _PROGRAM, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"mounted\n"
        mounts = Path(f"/proc/{process.pid}/mountinfo").read_text()
        assert str(tmp_path) in mounts
        assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
        process.send_signal(signal.SIGKILL)
    tmp_path.rmdir()


def test_without_privileges_the_error_says_so() -> None:
    program = """
import os
from engine.errors import OstreeError
from engine.namespace import enter_private_mounts
os.setuid(1000)
try:
    enter_private_mounts()
except OstreeError as error:
    print(error.message)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Could not leave the machine's mount namespace: ")
