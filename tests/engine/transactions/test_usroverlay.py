"""A layer over /usr: seen by the machine, on a system root that is read-only for everybody else."""

from tests.engine.transactions.conftest import TestHost
from tests.engine.trees import run_python_booted

# The machine is this process; the transaction runs in another one, as a job does.
_PROGRAM = """
import os, subprocess, sys
subprocess.run(["mount", "--make-rshared", "/"], check=True)
subprocess.run(["mount", "-o", "remount,bind,ro", "/sysroot"], check=True)
job = '''
from engine.cancel import CancelToken
from engine.events import discard
from engine.transactions.usroverlay import UsrOverlay
print(UsrOverlay(mode=%r).execute(discard, CancelToken()).changed)
'''
subprocess.run([sys.executable, "-c", job % sys.argv[1]], check=True)
mounts = [line.split()[:4] for line in open("/proc/self/mounts")]
print([(kind, options.split(",")[0]) for _, place, kind, options in mounts if place == "/usr"][-1])
print([options.split(",")[0] for _, place, _, options in mounts if place == "/sysroot"])
"""


def overlay(host: TestHost, mode: str) -> list[str]:
    booted = host.deployments[-1]
    done = run_python_booted(host.path, booted.path, "-c", _PROGRAM, mode)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_writable_layer_is_mounted_for_the_whole_machine(host: TestHost) -> None:
    assert overlay(host, "development") == ["True", "('overlay', 'rw')", "['ro']"]


def test_a_transient_layer_stays_read_only_for_the_machine(host: TestHost) -> None:
    assert overlay(host, "transient") == ["True", "('overlay', 'ro')", "['ro']"]


def test_a_hotfix_leaves_a_clone_to_roll_back_to(host: TestHost) -> None:
    assert overlay(host, "hotfix") == ["True", "('overlay', 'rw')", "['ro']"]
    booted, clone = host.deployments[-2:]
    assert booted.commit == clone.commit
