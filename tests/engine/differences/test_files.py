"""Files that differ between commits, as ostree's own command sees it."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.differences.files import FileDifference, entry_details, file_differences
from engine.errors import OstreeError
from engine.repo import Repo
from tests.engine.trees import commit_tree, ostree

LETTERS = {"modified": "M", "removed": "D", "added": "A"}

NAMES = st.sampled_from(["a", "b", "ä c"])
MODES = st.sampled_from([0o644, 0o755])
FILES = st.tuples(st.just("file"), st.sampled_from(["", "x", "y"]), MODES)
LINKS = st.tuples(st.just("link"), st.sampled_from(["a", "b"]), st.just(0))
FOLDERS = st.deferred(
    lambda: st.tuples(
        st.just("folder"),
        st.dictionaries(NAMES, st.one_of(FILES, LINKS, FOLDERS), max_size=3),
        st.sampled_from([0o755, 0o750]),
    )
)
Node = tuple[str, object, int]


def write(folder: Path, node: Node) -> None:
    kind, content, mode = node
    if kind == "link":
        folder.symlink_to(str(content))
        return
    if kind == "folder":
        assert isinstance(content, Mapping)
        folder.mkdir()
        for name, inner in content.items():
            write(folder / name, inner)
    else:
        folder.write_text(str(content))
    folder.chmod(mode)


def printed(difference: FileDifference) -> list[str]:
    return sorted(f"{LETTERS[each.change]}    {each.path}" for each in difference.changed())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(FOLDERS, FOLDERS)
def test_the_differences_are_those_of_ostree(old: Node, new: Node) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repo = Repo.create(folder / "repo", "archive")
        commits = []
        for side, node in (("old", old), ("new", new)):
            write(folder / side, node)
            commits.append(commit_tree(repo.path, folder / side, ref=side))
        expected = ostree("diff", f"--repo={repo.path}", *commits).splitlines()
        assert printed(file_differences(repo, *commits)) == sorted(expected)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.create(tmp_path / "repo", "archive")


def commit(repo: Repo, tmp_path: Path, name: str, content: dict[str, Node]) -> str:
    write(tmp_path / name, ("folder", content, 0o755))
    return commit_tree(repo.path, tmp_path / name, ref=name)


def test_the_tree_tells_what_is_in_added_and_removed_directories(
    repo: Repo, tmp_path: Path
) -> None:
    inside: Node = ("folder", {"x": ("file", "1", 0o644)}, 0o755)
    old = commit(repo, tmp_path, "old", {"gone": inside, "kept": ("file", "", 0o644)})
    new = commit(repo, tmp_path, "new", {"come": inside, "kept": ("file", "", 0o644)})
    root = file_differences(repo, old, new)
    assert (root.path, root.change) == ("/", "")
    assert [(each.path, each.change) for each in root.children] == [
        ("/come", "added"),
        ("/gone", "removed"),
    ]
    everything = [each.path for each in root.changed(removed_contents=True)]
    assert everything == ["/come", "/come/x", "/gone", "/gone/x"]


def test_only_a_directory_can_be_asked_for(repo: Repo, tmp_path: Path) -> None:
    def tree(content: str) -> dict[str, Node]:
        etc: Node = ("folder", {"a": ("file", content, 0o644)}, 0o755)
        return {"usr": ("folder", {"etc": etc}, 0o755), "b": ("file", content, 0o644)}

    old, new = (commit(repo, tmp_path, name, tree(name)) for name in ("old", "new"))
    found = file_differences(repo, old, new, "usr/etc")
    assert [each.path for each in found.changed()] == ["/usr/etc/a"]
    assert not list(file_differences(repo, old, new, "usr/none").changed())


def test_details_are_those_of_the_files(repo: Repo, tmp_path: Path) -> None:
    old = commit(repo, tmp_path, "old", {})
    new = commit(
        repo,
        tmp_path,
        "new",
        {
            "file": ("file", "12345", 0o4755),
            "link": ("link", "file", 0),
            "folder": ("folder", {}, 0o1777),
        },
    )
    children = {each.path: each.new for each in file_differences(repo, old, new).children}
    found = {path: entry_details(repo, entry) for path, entry in children.items() if entry}
    assert (found["/file"].kind, found["/file"].mode, found["/file"].size) == ("file", 0o4755, 5)
    assert (found["/link"].kind, found["/link"].target) == ("link", "file")
    assert (found["/folder"].kind, found["/folder"].mode) == ("directory", 0o1777)


def test_equal_directories_are_not_read(repo: Repo, tmp_path: Path) -> None:
    same: Node = ("folder", {"x": ("file", "1", 0o644)}, 0o755)
    old = commit(repo, tmp_path, "old", {"same": same, "a": ("file", "1", 0o644)})
    new = commit(repo, tmp_path, "new", {"same": same, "a": ("file", "2", 0o644)})
    contents = ostree("ls", f"--repo={repo.path}", "-d", "-C", new, "/same").split()[4]
    (repo.path / "objects" / contents[:2] / f"{contents[2:]}.dirtree").unlink()
    assert printed(file_differences(repo, old, new)) == ["M    /a"]
    empty = commit(repo, tmp_path, "empty", {})
    with pytest.raises(OstreeError, match="has no object"):
        file_differences(repo, new, empty)


def test_names_that_are_no_text_are_kept(repo: Repo, tmp_path: Path) -> None:
    old = commit(repo, tmp_path, "old", {})
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / os.fsdecode(b"a b\\c")).write_text("")
    new = commit_tree(repo.path, folder, ref="new")
    assert [each.path for each in file_differences(repo, old, new).changed()] == ["/a b\\c"]
