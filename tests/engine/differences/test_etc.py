"""What was changed in /etc, against ostree's own command and its merge."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.differences.etc import EtcConflict, config_differences, etc_conflicts
from engine.errors import OstreeError
from engine.origin import Origin
from engine.pull import pull
from engine.repo import Repo
from engine.sysroot import Deployment, Sysroot
from tests.engine.trees import REF, commit_tree, ostree, run_python_booted, write_tree

LETTERS = {"modified": "M", "removed": "D", "added": "A"}
FILES = {
    "usr/etc/hosts": "127.0.0.1 localhost\n",
    "usr/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
    "usr/etc/ssh/sshd_config": "Port 22\n",
    "usr/etc/ssh/moduli": "1\n",
    "usr/etc/old/a": "a\n",
    "usr/etc/old/b": "b\n",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def deployment(system: Path, source: Path, tmp_path: Path) -> Iterator[Deployment]:
    (system / "boot/grub/grub.cfg").unlink(missing_ok=True)  # these trees have no programs
    commit_tree(source, write_tree(tmp_path / "one", FILES))
    yield deploy(system, source)


def deploy(system: Path, source: Path) -> Deployment:
    commit = pull(Repo.open(system / "ostree/repo"), "photon", REF, url=f"file://{source}")
    sysroot = Sysroot.load(system)
    merge = sysroot.deployments[0] if sysroot.deployments else None
    return sysroot.deploy("photon", commit, Origin.for_refspec(f"photon:{REF}"), [], merge=merge)


def ours(deployment: Deployment) -> list[str]:
    found = config_differences(deployment.path)
    assert found.unreadable == ()
    return [f"{LETTERS[each.change]}    {each.path}" for each in found.changes]


def test_a_fresh_machine_has_no_differences(system: Path, deployment: Deployment) -> None:
    assert ours(deployment) == []


def test_every_kind_of_change_is_told_as_ostree_tells_it(
    system: Path, deployment: Deployment
) -> None:
    etc = deployment.path / "etc"
    (etc / "hosts").write_text("127.0.0.1 photon___\n")  # as long as before
    (etc / "passwd").chmod(0o600)
    os.chown(etc / "ssh/moduli", 12, 0)
    (etc / "hostname").unlink()
    (etc / "hostname").symlink_to("hosts")
    shutil.rmtree(etc / "old")
    (etc / "new/deep").mkdir(parents=True)
    (etc / "new/deep/file").write_text("x")
    (etc / "ssh").chmod(0o700)
    (etc / "link").symlink_to("nowhere")
    os.mkfifo(etc / "pipe")
    found = ours(deployment)
    assert found == [
        *("M    hostname", "M    hosts", "M    passwd", "M    ssh", "M    ssh/moduli"),
        "D    old",
        *("A    link", "A    new", "A    new/deep", "A    new/deep/file", "A    pipe"),
    ]
    told = ostree("admin", "config-diff", f"--sysroot={system}", "--os=photon")
    assert sorted(found) == sorted(told.splitlines())


def test_a_directory_that_became_a_file_is_modified(system: Path, deployment: Deployment) -> None:
    etc = deployment.path / "etc"
    shutil.rmtree(etc / "old")
    (etc / "old").write_text("a file")
    assert ours(deployment) == ["M    old"]


def test_what_only_root_can_compare_is_named_to_others(
    system: Path, deployment: Deployment
) -> None:
    for root in ("etc", "usr/etc"):
        (deployment.path / root / "passwd").chmod(0o600)
    words = ("-m", "tui.cli", "config-diff")
    done = run_python_booted(system, deployment.path, *words, uid=1000)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "note: only root can compare: passwd\n"
    assert run_python_booted(system, deployment.path, *words).stderr == ""


def test_a_folder_that_is_no_deployment_says_so(tmp_path: Path) -> None:
    with pytest.raises(OstreeError, match="there is no"):
        config_differences(tmp_path)


def conflicts(
    system: Path, deployment: Deployment, source: Path, tmp_path: Path, files: dict[str, str]
) -> tuple[EtcConflict, ...]:
    """files: of /usr/etc in the next tree."""
    new = commit_tree(source, write_tree(tmp_path / "two", files))
    repo = Repo.open(system / "ostree/repo")
    pull(repo, "photon", REF, url=f"file://{source}")
    return etc_conflicts(repo, deployment.path, deployment.commit, new)


def test_a_file_that_both_changed_is_a_conflict_and_ostree_keeps_ours(
    system: Path, deployment: Deployment, source: Path, tmp_path: Path
) -> None:
    etc = deployment.path / "etc"
    (etc / "hosts").write_text("ours\n")
    (etc / "passwd").write_text("only ours\n")
    (etc / "ssh/sshd_config").unlink()
    files = {**FILES, "usr/etc/hosts": "theirs\n", "usr/etc/ssh/moduli": "only theirs\n"}
    files["usr/etc/ssh/sshd_config"] = "Port 2222\n"
    assert conflicts(system, deployment, source, tmp_path, files) == (
        EtcConflict("hosts", "modified", "modified"),
        EtcConflict("ssh/sshd_config", "removed", "modified"),
    )
    merged = deploy(system, source).path / "etc"
    assert (merged / "hosts").read_text() == "ours\n"
    assert (merged / "ssh/moduli").read_text() == "only theirs\n"
    assert not (merged / "ssh/sshd_config").exists()


def test_the_same_change_on_both_sides_is_no_conflict(
    system: Path, deployment: Deployment, source: Path, tmp_path: Path
) -> None:
    (deployment.path / "etc/hosts").write_text("the same\n")
    (deployment.path / "etc/ssh/moduli").unlink()
    (deployment.path / "etc/both").write_text("new\n")
    files = {**FILES, "usr/etc/hosts": "the same\n", "usr/etc/both": "new\n"}
    del files["usr/etc/ssh/moduli"]
    assert conflicts(system, deployment, source, tmp_path, files) == ()


def test_changes_in_a_directory_that_the_other_side_removed(
    system: Path, deployment: Deployment, source: Path, tmp_path: Path
) -> None:
    shutil.rmtree(deployment.path / "etc/old")
    (deployment.path / "etc/ssh/moduli").write_text("ours\n")
    files = {path: text for path, text in FILES.items() if "/ssh/" not in path}
    files["usr/etc/old/a"] = "theirs\n"
    assert conflicts(system, deployment, source, tmp_path, files) == (
        EtcConflict("old/a", "removed", "modified"),
        EtcConflict("ssh/moduli", "modified", "removed"),
    )


@pytest.mark.parametrize("ours_is_folder", [False, True])
def test_a_conflict_that_ostree_cannot_merge_is_fatal(
    system: Path, deployment: Deployment, source: Path, tmp_path: Path, ours_is_folder: bool
) -> None:
    etc = deployment.path / "etc"
    if ours_is_folder:
        (etc / "old/a").write_text("ours\n")
        files = {path: text for path, text in FILES.items() if "/old/" not in path}
        files["usr/etc/old"] = "now a file\n"
    else:
        (etc / "hosts").write_text("ours\n")
        files = {**FILES, "usr/etc/hosts/a": "now a directory\n"}
        del files["usr/etc/hosts"]
    found = conflicts(system, deployment, source, tmp_path, files)
    assert [each.path for each in found if each.fatal] == ["old" if ours_is_folder else "hosts"]
    with pytest.raises(OstreeError, match="merge"):
        deploy(system, source)


def test_a_directory_of_ours_where_the_new_tree_has_a_file_is_merged(
    system: Path, deployment: Deployment, source: Path, tmp_path: Path
) -> None:
    (deployment.path / "etc/new").mkdir()
    (deployment.path / "etc/new/file").write_text("ours\n")
    found = conflicts(system, deployment, source, tmp_path, {**FILES, "usr/etc/new": "a file\n"})
    assert found == (EtcConflict("new", "added", "added"),)
    assert (deploy(system, source).path / "etc/new/file").read_text() == "ours\n"
