"""The overlay as we write it is the overlay as the kernel reads it."""

import os
import stat
import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.overlay import OverlayTree
from engine.repo import Repo
from engine.treebuilder import TreeBuilder, flatten
from engine.upper import write_changed_tree

NAMES = ["a", "b", "a/c", "a/d", "a/d/e", "b/f", "b/f/g"]
FOLDERS = [name for name in NAMES if any(other.startswith(name + "/") for other in NAMES)]


def actions():
    path = st.sampled_from(NAMES)
    return st.lists(
        st.one_of(
            st.tuples(st.just("write"), path, st.sampled_from([0o600, 0o755])),
            st.tuples(st.just("mkdir"), path, st.sampled_from([0o700, 0o755])),
            st.tuples(st.just("remove"), path, st.just(0)),
            st.tuples(st.just("symlink"), path, st.just(0)),
        ),
        max_size=8,
    )


def apply(tree, action, path, mode):
    """Do it, unless a file stands where a parent directory must be."""
    parents = [path.rsplit("/", count)[0] for count in range(1, path.count("/") + 1)]
    if any(tree.exists(parent) and not tree.is_directory(parent) for parent in parents):
        return
    if action == "write":
        tree.write(path, f"new {path}", mode)
    elif action == "mkdir" and (tree.is_directory(path) or not tree.exists(path)):
        tree.mkdir(path, mode)
    elif action == "remove":
        tree.remove(path)
    elif action == "symlink":
        tree.symlink(path, "target")


def seen(root: Path) -> dict[str, tuple[str, str]]:
    """path -> (kind and mode, content) by the file system."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder) / name
            mode = path.lstat().st_mode
            content = ""
            if stat.S_ISLNK(mode):
                content = str(path.readlink())
            elif stat.S_ISREG(mode):
                content = path.read_text(errors="surrogateescape")
            found[str(path.relative_to(root))] = (stat.filemode(mode), content)
    return found


def described(tree: OverlayTree) -> dict[str, tuple[str, str]]:
    """The same by OverlayTree."""
    result = {}
    for path in tree.walk(""):
        place = tree.find(path)
        assert place is not None
        mode = place.lstat().st_mode
        content = str(place.readlink()) if stat.S_ISLNK(mode) else tree.read(path) or ""
        result[path] = (stat.filemode(mode), content)
    return result


def made(folder: Path, below: list[str]) -> OverlayTree:
    for name in ("lower", "upper", "work", "mount"):
        (folder / name).mkdir()
        (folder / name).chmod(0o755)
    for name in below:
        path = folder / "lower" / name
        if name in FOLDERS:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"old {name}")
    return OverlayTree(folder / "lower", folder / "upper", folder / "work")


def mounted(tree: OverlayTree, folder: Path) -> dict[str, tuple[str, str]]:
    """What the kernel shows, copied out of a private mount."""
    script = 'mount -t overlay -o "$1" overlay "$2"; cp -a "$2"/. "$3"'
    copy = folder / "copy"
    copy.mkdir()
    subprocess.run(
        ["unshare", "-m", "sh", "-euc", script, "sh", tree.mount_options, folder / "mount", copy],
        check=True,
    )
    return seen(copy)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(NAMES), unique=True), actions())
def test_the_kernel_shows_what_we_describe_and_the_lower_stays(below, changes):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = made(folder, below)
        before = seen(tree.lower)
        for action, path, mode in changes:
            apply(tree, action, path, mode)
        assert described(tree) == mounted(tree, folder)
        assert seen(tree.lower) == before


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(NAMES), unique=True), actions())
def test_the_committed_tree_is_the_described_one(below, changes):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = made(folder, below)
        repo = Repo.create(folder / "repo", "bare")
        repo.set_fsync(False)
        with repo.transaction():
            builder = TreeBuilder(repo)
            for path in below:
                if path in FOLDERS:
                    builder.add_directory(path)
                else:
                    builder.add_text(path, f"old {path}")
            root = builder.write()
            checksums = (root.tree_get_contents_checksum(), root.tree_get_metadata_checksum())
        for action, path, mode in changes:
            apply(tree, action, path, mode)
        expected = set(described(tree))
        with repo.transaction():
            written = write_changed_tree(repo, checksums, tree, lambda _event: None)
        assert {path for path, _sum, _dir in flatten(tree_of(repo, written))} == expected


def tree_of(repo, written):
    from engine.ostree import OSTree

    return OSTree.MutableTree.new_from_checksum(
        repo.native,
        written.tree_get_contents_checksum(),
        written.tree_get_metadata_checksum(),
    )
