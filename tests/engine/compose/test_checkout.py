"""A kept checkout is what a fresh one would be."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.checkout import KeptCheckout
from engine.ostree import GLib
from engine.repo import Repo
from engine.treebuilder import TreeBuilder

NAMES = ["a", "b", "c/d", "c/e", "f/g/h"]


def commit(repo: Repo, tree: dict[str, str]) -> str:
    with repo.transaction():
        builder = TreeBuilder(repo)
        for path, content in tree.items():
            if content == "folder":
                builder.add_directory(path, 0o040700)
            elif content == "link":
                builder.add_symlink(path, "target")
            else:
                builder.add_text(path, content, 0o100755)
        empty = GLib.Variant("a{sv}", {})
        root = builder.write()
        _ok, made = repo.native.write_commit_with_time(None, "", "", empty, root, 0, None)
    return made


def seen(root: Path) -> dict[str, tuple[int, float, str]]:
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        time = 0.0 if path.is_symlink() else status.st_mtime
        content = str(path.readlink()) if path.is_symlink() else ""
        content = path.read_text() if path.is_file() else content
        found[str(path.relative_to(root))] = (status.st_mode, time, content)
    return found


trees = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["1", "2", "folder", "link"]))


@settings(max_examples=40, deadline=None)
@given(st.lists(trees, min_size=2, max_size=3))
def test_an_updated_checkout_equals_a_fresh_one(steps):
    with tempfile.TemporaryDirectory() as name:
        repo = Repo.create(Path(name) / "repo", "bare")
        repo.set_fsync(False)
        kept = KeptCheckout(repo, Path(name) / "kept")
        for tree in steps:
            made = commit(repo, tree)
            kept.update(made, CancelToken())
        fresh = KeptCheckout(repo, Path(name) / "fresh")
        fresh.update(made, CancelToken())
        assert seen(kept.path) == seen(fresh.path)


def test_an_interrupted_update_is_replaced(tmp_path):
    repo = Repo.create(tmp_path / "repo", "bare")
    kept = KeptCheckout(repo, tmp_path / "kept")
    kept.update(commit(repo, {"a": "1"}), CancelToken())
    (tmp_path / "kept.commit").unlink()
    (tmp_path / "kept" / "left").write_text("half done")
    kept.update(commit(repo, {"b": "2"}), CancelToken())
    assert list(seen(kept.path)) == ["b"]
