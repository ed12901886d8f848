"""The history of a ref, against `ostree log`."""

from pathlib import Path

import pytest

from engine.differences.history import read_log
from engine.ostree import GLib
from engine.repo import Repo
from tests.engine.trees import REF, commit_tree, ostree, write_tree
from tui.cli import main


def commit(repo: Repo, tmp_path: Path, version: str, *options: str) -> str:
    packages = [("a", "0", version, "1", "x86_64")]
    pkglist = GLib.Variant("a(sssss)", packages).print_(True)
    tree = write_tree(tmp_path / "tree", {"usr/version": version})
    return commit_tree(
        repo.path,
        tree,
        f"--add-metadata-string=version={version}",
        f"--add-metadata=rpmostree.rpmdb.pkglist={pkglist}",
        *options,
    )


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Three commits, newest last."""
    repo = Repo.create(tmp_path / "repo", "archive")
    commit(repo, tmp_path, "1", "--subject=The first one", "--body=It has\n\ntwo paragraphs.")
    commit(repo, tmp_path, "2", "--subject=Two\nlines")
    commit(repo, tmp_path, "3", "--timestamp=2026-11-23T20:00:00Z")
    return repo


def test_the_text_is_that_of_ostree_with_the_packages(
    repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["log", f"--repo={repo.path}", REF]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.count("Packages: 1 upgraded") == 2
    rest = [line for line in lines if not line.startswith("Packages: ")]
    assert "\n".join(rest).strip() == ostree("log", f"--repo={repo.path}", REF)


def test_a_history_that_is_not_all_here_says_so(
    repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    first = repo.require(f"{REF}^^")
    (repo.path / "objects" / first[:2] / f"{first[2:]}.commit").unlink()
    newest, oldest = read_log(repo, REF)
    assert (newest.truncated, oldest.truncated) == (False, True)
    assert newest.packages is not None
    assert oldest.packages is None
    assert main(["log", f"--repo={repo.path}", REF]) == 0
    text = capsys.readouterr().out
    assert text.endswith("\n<< History beyond this commit not fetched >>\n")
    assert text.strip().endswith(ostree("log", f"--repo={repo.path}", REF).splitlines()[-1])


def test_no_more_commits_than_asked_for(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", f"--repo={repo.path}", "-n", "1", "--json", REF]) == 0
    text = capsys.readouterr().out
    assert repo.require(REF) in text
    assert text.count('"content-checksum"') == 1
    with pytest.raises(SystemExit):
        main(["log", f"--repo={repo.path}", "-n", "-1", REF])
