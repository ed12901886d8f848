"""Rollback, undeploy, pin, cleanup: deployments change places, and nothing else."""

import pytest

from engine.errors import OstreeError
from engine.transactions.cleanup import Cleanup
from engine.transactions.pin import Pin
from engine.transactions.rollback import Rollback
from engine.transactions.undeploy import Undeploy
from tests.engine.transactions.conftest import VERSIONS, TestHost

ONE, TWO, _ = VERSIONS


def test_rollback_puts_the_former_deployment_first_and_again_the_other(host: TestHost) -> None:
    assert host.versions == [TWO, ONE]
    result = host.run(Rollback)
    assert result.changed
    assert result.message == f"Moving '{host.deployments[0].id}' to be first deployment"
    assert host.versions == [ONE, TWO]
    host.run(Rollback)
    assert host.versions == [TWO, ONE]
    assert host.admin_status().count("origin refspec") == 2


def test_a_booted_host_rolls_back_any_number_of_times(host: TestHost) -> None:
    pending, booted = host.deployments  # the first version runs
    assert host.run_booted(Rollback, booted).deployment == booted.id
    assert host.versions == [ONE, TWO]
    again = host.run_booted(Rollback, booted)
    assert again.deployment == pending.id
    assert "systemctl reboot" in again.message
    assert host.versions == [TWO, ONE]


def test_with_one_deployment_there_is_nothing_to_go_back_to(host: TestHost) -> None:
    host.run(Undeploy, index=1)
    with pytest.raises(OstreeError, match="no deployment of photon to go back to"):
        host.run(Rollback)


def test_undeploy_removes_one_by_its_index(host: TestHost) -> None:
    gone = host.deployments[0]
    assert host.run(Undeploy, index=0).message == f"Deleted deployment {gone.id}"
    assert host.versions == [ONE]
    assert not gone.path.exists()


@pytest.mark.parametrize("index", [-1, 2])
def test_undeploy_of_no_deployment_says_which_there_are(host: TestHost, index: int) -> None:
    with pytest.raises(OstreeError, match=f"There is no deployment {index}.") as caught:
        host.run(Undeploy, index=index)
    assert "from 0 to 1" in caught.value.hint


def test_the_booted_and_the_only_and_a_pinned_deployment_are_not_removed(host: TestHost) -> None:
    with pytest.raises(AssertionError, match="booted: it cannot be removed"):
        host.run_booted(Undeploy, host.deployments[1], index=1)
    host.run(Pin, indices=(1,))
    with pytest.raises(OstreeError, match="pinned"):
        host.run(Undeploy, index=1)
    host.run(Pin, indices=(1,), unpin=True)
    host.run(Undeploy, index=1)
    with pytest.raises(OstreeError, match="the only one"):
        host.run(Undeploy, index=0)
    assert host.versions == [TWO]


def test_pin_says_what_it_did(host: TestHost) -> None:
    assert host.run(Pin, indices=(0, 1)).message.splitlines() == [
        "Deployment 0 is now pinned",
        "Deployment 1 is now pinned",
    ]
    again = host.run(Pin, indices=(1,))
    assert (again.changed, again.message) == (False, "Deployment 1 is already pinned")
    assert all(each.pinned for each in host.deployments)
    assert host.admin_status().count("Pinned: yes") == 2


def test_cleanup_removes_the_rollback_deployment_and_its_objects(host: TestHost) -> None:
    old = host.deployments[1].commit
    result = host.run(Cleanup, rollback=True)
    assert result.changed
    assert host.versions == [TWO]
    assert not host.repo.has_commit(old)


def test_cleanup_keeps_what_is_pinned(host: TestHost) -> None:
    host.run(Pin, indices=(1,))
    assert "Deployments unchanged." in host.run(Cleanup, rollback=True).message
    assert host.versions == [TWO, ONE]


def test_cleanup_of_a_booted_host_removes_what_is_pending(host: TestHost) -> None:
    host.run_booted(Cleanup, host.deployments[1], pending=True)
    assert host.versions == [ONE]


def test_cleanup_removes_the_metadata_of_rpm_repositories(host: TestHost) -> None:
    folder = host.path / "ostree/deploy/photon/var/cache/rpm-ostree"
    (folder / "repomd/photon").mkdir(parents=True)
    assert host.run(Cleanup, metadata=True).changed
    assert list(folder.iterdir()) == []
    assert not host.run(Cleanup, metadata=True).changed


def test_cleanup_of_nothing_is_refused(host: TestHost) -> None:
    with pytest.raises(OstreeError, match="At least one cleanup option"):
        host.run(Cleanup)
