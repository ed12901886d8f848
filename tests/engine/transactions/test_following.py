"""Upgrade, deploy, rebase, kernel arguments: the next deployment, from a real repository."""

import pytest

from engine.errors import Cancelled, OstreeError
from engine.events import LogLine
from engine.health.record import Fallback, HealthRecord, write_health
from engine.remotes import RemoteConfig, add_remote
from engine.transactions.deploy import Deploy
from engine.transactions.kernel_arguments import KernelArguments
from engine.transactions.preview import PreviewUpgrade
from engine.transactions.rebase import Rebase, complete_refspec
from engine.transactions.rollback import Rollback
from engine.transactions.upgrade import Upgrade
from tests.engine.transactions.conftest import VERSIONS, TestHost
from tests.engine.trees import REF, ostree, run_booted

ONE, TWO, THREE = VERSIONS


def test_upgrade_deploys_the_newest_commit_and_keeps_the_former(host: TestHost) -> None:
    result = host.run(Upgrade)
    assert result.changed
    assert host.versions == [THREE, TWO]
    first = host.deployments[0]
    assert result.deployment == first.id
    assert first.origin.refspec == f"photon:{REF}"
    assert first.kernel_arguments[:2] == ("root=UUID=1", "quiet")
    assert THREE in host.admin_status()


def test_upgrade_without_anything_new_changes_nothing(host: TestHost) -> None:
    host.run(Upgrade)
    before = host.deployments
    result = host.run(Upgrade)
    assert (result.changed, result.message) == (False, "No upgrade available.")
    assert host.deployments == before


def test_upgrade_skips_a_version(host: TestHost) -> None:
    host.publish("5.0_minimal.3")
    host.run(Upgrade)
    assert host.versions[0] == "5.0_minimal.3"


def test_an_older_commit_needs_allow_downgrade(host: TestHost) -> None:
    host.tip(ONE)
    before = host.deployments
    with pytest.raises(OstreeError, match="is older than the present one") as caught:
        host.run(Upgrade)
    assert "--allow-downgrade" in caught.value.hint
    assert host.deployments == before
    assert host.run(Upgrade, allow_downgrade=True).changed
    assert host.versions[0] == ONE


def test_a_version_that_failed_here_is_taken_by_hand_with_a_warning(host: TestHost) -> None:
    commit = host.commits[THREE]
    failure = Fallback("photon-x.0", THREE, commit, "photon-y.0", "it did not start", "2026-11-28")
    write_health(HealthRecord().fell_back(failure, ()), host.path / "ostree/deploy/photon")
    warning = (
        f"{THREE} (commit {commit[:10]}) failed on this machine at 2026-11-28: it did not start"
    )
    for transaction, values in (
        (PreviewUpgrade, {"thorough": False}),
        (PreviewUpgrade, {"thorough": True}),
        (Upgrade, {}),
    ):
        host.events.clear()
        result = host.run(transaction, **values)
        assert result.changed
        assert warnings(host) == [warning]
        if transaction is PreviewUpgrade:
            failed = {"time": "2026-11-28", "reason": "it did not start"}
            assert result.details["failure"] == failed
    host.events.clear()
    assert not host.run(Upgrade).changed
    assert warnings(host) == []


def warnings(host: TestHost) -> list[str]:
    return [
        event.text
        for event in host.events
        if isinstance(event, LogLine) and event.level == "warning"
    ]


def test_upgrade_carries_changes_of_etc_over(host: TestHost) -> None:
    (host.deployments[0].path / "etc/kept").write_text("mine")
    host.run(Upgrade)
    assert (host.deployments[0].path / "etc/kept").read_text() == "mine"


def test_a_cancelled_upgrade_changes_nothing(host: TestHost) -> None:
    before = host.deployments
    host.cancel.cancel()
    with pytest.raises(Cancelled):
        host.run(Upgrade)
    assert host.deployments == before


def test_a_booted_host_stages_and_takes_late_changes_of_etc_along(host: TestHost) -> None:
    booted = host.deployments[-1]
    program = """
import subprocess
from pathlib import Path
from engine.cancel import CancelToken
from engine.events import discard
from engine.sysroot import Sysroot
from engine.transactions.upgrade import Upgrade
result = Upgrade().execute(discard, CancelToken())
assert result.changed and "systemctl reboot" in result.message
assert [each.staged for each in Sysroot.load().deployments] == [True, False, False]
assert not Upgrade().execute(discard, CancelToken()).changed
Path("/etc/late").write_text("late")
subprocess.run(["ostree", "admin", "finalize-staged"], check=True)
"""
    done = run_booted(host.path, booted.path, ["/usr/bin/python3", "-c", program])
    assert done.returncode == 0, done.stderr
    assert host.versions == [THREE, ONE]
    assert (host.deployments[0].path / "etc/late").read_text() == "late"


def test_a_staged_deployment_stands_in_the_way_of_a_rollback(host: TestHost) -> None:
    program = """
from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import discard
from engine.sysroot import Sysroot
from engine.transactions.cleanup import Cleanup
from engine.transactions.rollback import Rollback
from engine.transactions.upgrade import Upgrade
run = lambda transaction: transaction.execute(discard, CancelToken())
run(Upgrade())
try:
    run(Rollback())
except OstreeError as error:
    assert "cleanup -p" in error.hint
else:
    raise AssertionError("rolled back")
run(Cleanup(pending=True))
assert [each.staged for each in Sysroot.load().deployments] == [False]
"""
    booted = host.deployments[-1]
    done = run_booted(host.path, booted.path, ["/usr/bin/python3", "-c", program])
    assert done.returncode == 0, done.stderr


def test_deploy_finds_a_version_in_the_history_and_stays_there(host: TestHost) -> None:
    host.run(Upgrade)
    result = host.run(Deploy, revision=ONE)
    assert result.changed
    assert host.versions[0] == ONE
    assert host.deployments[0].origin.override_commit == host.commits[ONE]
    assert not host.run(Deploy, revision=ONE).changed
    assert host.run(Upgrade).changed
    assert host.deployments[0].origin.override_commit is None
    assert host.versions[0] == THREE


def test_deploy_takes_a_commit_id_too(host: TestHost) -> None:
    host.run(Deploy, revision=f"revision={host.commits[THREE]}")
    assert host.versions[0] == THREE
    host.run(Deploy, revision=host.commits[TWO][:12])
    assert host.versions[0] == TWO


def test_an_unknown_version_names_those_there_are(host: TestHost) -> None:
    with pytest.raises(OstreeError, match=r"no version '4\.0'") as caught:
        host.run(Deploy, revision="4.0")
    assert f"{THREE}, {TWO}, {ONE}" in caught.value.hint


def test_rebase_to_another_ref_and_another_remote(host: TestHost) -> None:
    ref = "photon/6.0/x86_64/minimal"
    host.publish("6.0_minimal", ref=ref)
    other = RemoteConfig("other", host.url, gpg_verify=False)
    add_remote(host.repo, other)
    (host.deployments[0].path / "etc/kept").write_text("mine")
    assert host.run(Rebase, refspec=f"other:{ref}").changed
    first = host.deployments[0]
    assert host.versions[0] == "6.0_minimal"
    assert first.origin.refspec == f"other:{ref}"
    assert (first.path / "etc/kept").read_text() == "mine"
    assert host.repo.resolve(f"photon:{REF}") is None
    host.run(Rollback)
    assert host.versions[0] == TWO
    ostree("fsck", "--quiet", f"--repo={host.repo.path}")


def test_rebase_to_the_same_ref_is_refused(host: TestHost) -> None:
    with pytest.raises(OstreeError, match="Old and new refs are equal"):
        host.run(Rebase, refspec=f"photon:{REF}")


@pytest.mark.parametrize(
    ("wanted", "completed"),
    [("other:", "other:a/b"), ("c/d", "photon:c/d"), (":c/d", "photon:c/d"), ("o:c/d", "o:c/d")],
)
def test_what_a_refspec_leaves_out_comes_from_the_former(wanted: str, completed: str) -> None:
    assert complete_refspec("photon:a/b", wanted) == completed


def test_an_unknown_ref_is_refused_and_nothing_changes(host: TestHost) -> None:
    before = host.deployments
    with pytest.raises(OstreeError, match="has no ref 'photon/7'"):
        host.run(Rebase, refspec="photon/7")
    assert host.deployments == before


def test_kernel_arguments_are_appended_replaced_and_deleted(host: TestHost) -> None:
    result = host.run(
        KernelArguments,
        append=("console=ttyS0", "console=tty0"),
        replace=("quiet",),
        append_if_missing=("rw", "quiet"),
    )
    assert result.changed
    arguments = [
        word for word in host.deployments[0].kernel_arguments if not word.startswith("ostree=")
    ]
    assert arguments == ["root=UUID=1", "quiet", "console=ttyS0", "console=tty0", "rw"]
    host.run(KernelArguments, delete=("console=tty0",), replace=("root=UUID=1=UUID=2",))
    arguments = list(host.deployments[0].kernel_arguments)
    assert "root=UUID=2" in arguments
    assert "console=tty0" not in arguments
    assert host.versions[0] == TWO


def test_kernel_arguments_that_are_not_there_or_not_clear_are_refused(host: TestHost) -> None:
    with pytest.raises(OstreeError, match="no kernel argument 'nomodeset'"):
        host.run(KernelArguments, delete=("nomodeset",))
    host.run(KernelArguments, append=("console=ttyS0", "console=tty0"))
    with pytest.raises(OstreeError, match="several kernel arguments 'console'"):
        host.run(KernelArguments, delete=("console",))
    with pytest.raises(OstreeError, match="ostree="):
        host.run(KernelArguments, edited=("root=UUID=1",))
    unchanged = host.run(KernelArguments, delete_if_present=("nomodeset",))
    assert (unchanged.changed, unchanged.message) == (False, "No changes.")


def test_a_kernel_that_does_not_fit_into_boot_is_refused_before_anything_is_written(
    host: TestHost, small_boot: None
) -> None:
    host.publish("5.0_minimal.3", **{"usr/lib/modules/6.1.0-test/vmlinuz": "k" * 3_000_000})
    before = host.deployments
    with pytest.raises(OstreeError, match="needs 4 MB in /boot") as caught:
        host.run(Upgrade)
    assert "cleanup -r" in caught.value.hint
    assert host.deployments == before
