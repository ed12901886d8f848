"""What commits may be called."""

from pathlib import Path

import pytest

from engine.errors import OstreeError
from engine.repo import Repo
from engine.revisions import booted_revision, default_revisions, find_revision, resolve_revision
from engine.sysroot import Sysroot
from engine.transactions.undeploy import Undeploy
from tests.engine.transactions.conftest import VERSIONS, TestHost, host
from tests.engine.trees import REF, commit_tree, run_python_booted, write_tree

__all__ = ["host"]
ONE, TWO, THREE = VERSIONS


def commit_of(host: TestHost, text: str) -> str:
    sysroot = Sysroot.load(host.path)
    return resolve_revision(sysroot.repo, text, sysroot).commit


def test_refs_ids_and_parents_name_commits(tmp_path: Path) -> None:
    repo = Repo.create(tmp_path / "repo", "archive")
    first = commit_tree(repo.path, write_tree(tmp_path / "tree"))
    second = commit_tree(repo.path, write_tree(tmp_path / "tree"))
    repo.set_ref(f"photon:{REF}", second)
    for text in (REF, f"photon:{REF}", second, second[:9]):
        assert resolve_revision(repo, text).commit == second
        assert resolve_revision(repo, f"{text}^").commit == first
    assert str(resolve_revision(repo, REF)) == f"{REF} ({second})"
    assert str(resolve_revision(repo, second)) == second
    assert find_revision(repo, f"{REF}^^") is None
    with pytest.raises(OstreeError, match="has no parent"):
        resolve_revision(repo, f"{REF}^^")
    with pytest.raises(OstreeError, match="no ref or commit 'none'") as caught:
        resolve_revision(repo, "none")
    assert REF in caught.value.hint
    with pytest.raises(OstreeError, match="no ref or commit 'booted'"):
        resolve_revision(repo, "booted")


def test_deployments_have_words_and_indices(host: TestHost) -> None:
    """The first one counts as booted where nothing runs."""
    assert commit_of(host, "booted") == commit_of(host, "0") == host.commits[TWO]
    assert commit_of(host, "rollback") == commit_of(host, "1") == host.commits[ONE]
    for text, says in (("pending", "no pending deployment"), ("7", "with the index 7")):
        with pytest.raises(OstreeError, match=says):
            commit_of(host, text)


def test_a_ref_goes_before_a_word(host: TestHost) -> None:
    host.repo.set_ref("booted", host.commits[ONE])
    assert commit_of(host, "booted") == host.commits[ONE]


def test_the_former_and_the_present_are_compared_by_default(host: TestHost) -> None:
    old, new = default_revisions(Sysroot.load(host.path))
    assert str(old) == f"rollback deployment ({host.commits[ONE]})"
    assert str(new) == f"first deployment ({host.commits[TWO]})"
    assert booted_revision(Sysroot.load(host.path)) == new


def test_on_a_running_machine_what_waits_is_compared(host: TestHost) -> None:
    program = """
from engine.revisions import *
from engine.sysroot import Sysroot
sysroot = Sysroot.load()
print(*default_revisions(sysroot), sep="\\n")
print(resolve_revision(sysroot.repo, "booted^", sysroot).commit)
"""
    first, second = host.deployments[1], host.deployments[0]
    for running, lines in (
        (first, ["booted", "pending"]),
        (second, ["rollback", "booted"]),
    ):
        done = run_python_booted(host.path, running.path, "-c", program, uid=1000)
        commits = [first.commit, second.commit]
        expected = [f"{word} deployment ({id})" for word, id in zip(lines, commits, strict=True)]
        assert done.stdout.splitlines()[:2] == expected, done.stderr


def test_one_deployment_alone_has_nothing_to_be_compared_with(host: TestHost) -> None:
    host.run(Undeploy, index=1)
    with pytest.raises(OstreeError, match="no pending or rollback"):
        default_revisions(Sysroot.load(host.path))
