"""Repositories, written by us and read by the ostree command, and the other way round."""

import subprocess
from pathlib import Path

import pytest

from engine.errors import Cancelled, OstreeError
from engine.ostree import GLib
from engine.repo import Repo


def ostree(repo: Path, *words: str) -> str:
    return subprocess.run(
        ["ostree", f"--repo={repo}", *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.create(tmp_path / "repo")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "usr/bin").mkdir(parents=True)
    (folder / "usr/bin/hello").write_text("hello\n" * 100)
    return folder


def commit(repo: Repo, tree: Path, ref: str = "os/1", *options: str) -> str:
    return ostree(repo.path, "commit", f"--branch={ref}", f"--tree=dir={tree}", *options)


def test_creating_twice_opens_the_same_repository(tmp_path: Path) -> None:
    Repo.create(tmp_path / "deep/repo")
    assert Repo.create(tmp_path / "deep/repo").mode == "archive"


def test_an_existing_repository_of_another_mode_is_refused(repo: Repo) -> None:
    with pytest.raises(OstreeError, match="exists with mode archive, not bare-user"):
        Repo.create(repo.path, "bare-user")


def test_opening_what_is_no_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(OstreeError, match="not an OSTree repository"):
        Repo.open(tmp_path)
    with pytest.raises(OstreeError, match="does not exist"):
        Repo.open(tmp_path / "nowhere")


def test_commits_made_by_ostree_are_read_with_their_metadata(repo: Repo, tree: Path) -> None:
    first = commit(repo, tree, "os/1", "-s", "first")
    (tree / "usr/bin/other").write_text("x")
    second = commit(repo, tree, "os/1", "--add-metadata-string=version=1.1", "--timestamp=@1000000")
    read = repo.load_commit("os/1")
    assert (read.checksum, read.parent, read.version) == (second, first, "1.1")
    assert (read.timestamp, read.partial, read.metadata["ostree.ref-binding"]) == (
        1000000,
        False,
        ["os/1"],
    )
    assert [entry.checksum for entry in repo.log("os/1")] == [second, first]
    assert repo.load_commit(first).subject == "first"


def test_revisions_resolve_by_ref_abbreviation_and_parent(repo: Repo, tree: Path) -> None:
    first = commit(repo, tree)
    second = commit(repo, tree, "os/1", "-s", "again")
    assert repo.resolve("os/1") == repo.resolve(second[:12]) == second
    assert repo.resolve("os/1^") == first
    assert repo.resolve("os/1^^") is None
    assert repo.resolve("os/2") is None


def test_a_missing_ref_is_reported_with_the_refs_there_are(repo: Repo, tree: Path) -> None:
    commit(repo, tree)
    with pytest.raises(OstreeError, match="no ref or commit 'os/9'") as caught:
        repo.load_commit("os/9")
    assert "os/1" in caught.value.hint


def test_refs_set_here_are_seen_by_ostree(repo: Repo, tree: Path) -> None:
    checksum = commit(repo, tree)
    repo.set_ref("os/stable", checksum)
    repo.set_ref("far:os/1", checksum)
    assert set(ostree(repo.path, "refs").split()) == {"os/1", "os/stable", "far:os/1"}
    repo.set_ref("os/stable", None)
    assert repo.refs() == {"far:os/1": checksum, "os/1": checksum}


def test_a_transaction_that_fails_leaves_refs_alone_and_can_be_followed(
    repo: Repo, tree: Path
) -> None:
    checksum = commit(repo, tree)
    with pytest.raises(Cancelled), repo.transaction() as transaction:
        transaction.set_ref("os/next", checksum)
        raise Cancelled()
    assert repo.resolve("os/next") is None
    with repo.transaction() as transaction:
        transaction.set_ref("os/next", checksum)
    assert repo.resolve("os/next") == checksum
    assert transaction.stats is not None


def test_the_summary_lists_every_ref_and_our_metadata(repo: Repo, tree: Path) -> None:
    checksum = commit(repo, tree)
    repo.update_summary({"photree.note": GLib.Variant("s", "hello there")})
    shown = ostree(repo.path, "summary", "-v")
    assert checksum in shown
    assert "hello there" in shown


def test_the_size_of_a_commit_is_that_of_its_objects_on_disk(repo: Repo, tree: Path) -> None:
    commit(repo, tree)
    stored = [path for path in (repo.path / "objects").rglob("*") if path.is_file()]
    size = repo.commit_size("os/1")
    assert size.objects == len(stored)
    assert size.stored == sum(path.stat().st_size for path in stored)


def test_a_damaged_tree_is_an_error_that_names_the_object(repo: Repo, tree: Path) -> None:
    root = repo.load_commit(commit(repo, tree)).tree
    (repo.path / "objects" / root[:2] / f"{root[2:]}.dirtree").unlink()
    with pytest.raises(OstreeError, match=f"no object {root}.dirtree"):
        repo.commit_size("os/1")


def test_options_are_written_for_others_to_read(repo: Repo) -> None:
    repo.set_option("sysroot", "bootloader", "auto")
    assert ostree(repo.path, "config", "get", "sysroot.bootloader") == "auto"
