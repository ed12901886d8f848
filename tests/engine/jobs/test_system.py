"""Jobs on a system root: where they are kept, and a real transaction on a running system."""

from pathlib import Path

import pytest

from engine.errors import OstreeError
from engine.jobs.store import Store, state_folder
from engine.pull import pull
from engine.repo import Repo
from engine.sysroot import Deployment, Sysroot
from tests.engine.test_sysroot import ARGUMENTS, ORIGIN
from tests.engine.trees import REF, add_shell, commit_tree, run_python_booted, write_tree


@pytest.fixture
def deployed(system: Path, tmp_path: Path) -> Deployment:
    tree = write_tree(tmp_path / "tree", {"usr/version": "5.0"})
    add_shell(tree)
    commit_tree(tmp_path / "source", tree)
    target = Repo.open(system / "ostree/repo")
    commit = pull(target, "photon", REF, url=f"file://{tmp_path / 'source'}")
    return Sysroot.load(system, writable=True).deploy("photon", commit, ORIGIN, ARGUMENTS)


def test_the_state_is_in_the_var_that_the_system_will_have(
    system: Path, deployed: Deployment
) -> None:
    folder = state_folder(Sysroot.load(system))
    assert folder == system / "ostree/deploy/photon/var/lib/photree"


def test_without_a_deployment_there_is_no_state(system: Path) -> None:
    with pytest.raises(OstreeError, match="There is no deployment"):
        state_folder(Sysroot.load(system))


def test_a_transaction_changes_the_running_system_as_a_job(
    system: Path, deployed: Deployment
) -> None:
    program = """
from engine.jobs.client import run_transaction
from engine.jobs.store import Store, state_folder
from engine.sysroot import Sysroot
from engine.transactions.pin import Pin
store = Store(state_folder(Sysroot.load()) / "jobs")
print(run_transaction(store, Pin(indices=(0,)), print).message)
"""
    done = run_python_booted(system, deployed.path, "-c", program)
    assert done.stdout.splitlines()[-1] == "Deployment 0 is now pinned", done.stderr
    assert Sysroot.load(system).deployments[0].pinned
    (job,) = Store(state_folder(Sysroot.load(system)) / "jobs").jobs()
    assert job.title == "pin 0"
    assert job.outcome is not None
