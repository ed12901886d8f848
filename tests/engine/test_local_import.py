"""Local archive repositories, imported by several processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.errors import Cancelled, OstreeError, SignatureError
from engine.events import Event, Progress
from engine.local_import import parse_directory
from engine.origin import Origin
from engine.ostree import GLib
from engine.pull import pull
from engine.remotes import RemoteConfig, add_remote
from engine.repo import Repo
from engine.sysroot import Sysroot
from tests.engine.conftest import Published
from tests.engine.trees import REF, commit_tree, many_files, ostree, write_tree


def staged(repo: Repo) -> dict[str, int]:
    """Name and inode of what an interrupted import has left."""
    folder = repo.path / "tmp/photree-import"
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path.parent.name + path.name: path.lstat().st_ino for path in files}


def stored(repo: Repo) -> dict[str, int]:
    files = (repo.path / "objects").glob("*/*.file")
    return {path.parent.name + path.name: path.lstat().st_ino for path in files}


def assert_whole(repo: Repo, published: Published) -> None:
    assert repo.resolve(f"photon:{REF}") == published.commit
    assert not repo.load_commit(published.commit).partial
    assert not (repo.path / "tmp/photree-import").exists()
    ostree("fsck", "--quiet", f"--repo={repo.path}")


@pytest.mark.parametrize("workers", [1, 3])
def test_everything_arrives_as_libostree_would_have_written_it(
    published: Published, target: Repo, tmp_path: Path, workers: int
) -> None:
    events: list[Event] = []
    pulled = pull(target, "photon", REF, url=published.url, emit=events.append, workers=workers)
    assert pulled == published.commit
    assert_whole(target, published)
    reference = Repo.create(tmp_path / "reference", "bare")
    ostree("pull-local", f"--repo={reference.path}", published.path, REF)

    def listing(repo: Repo) -> list[tuple[str, int, int, int, float]]:
        paths = sorted((repo.path / "objects").rglob("*"))
        return [
            (
                str(path.relative_to(repo.path)),
                s.st_mode,
                s.st_uid,
                s.st_size * path.is_file(),
                s.st_mtime * path.match("*.file") * (not path.is_symlink()),
            )
            for path in paths
            if (s := path.lstat()) and not path.match("*.commitmeta")
        ]

    assert listing(target) == listing(reference)
    last = events[-1]
    assert isinstance(last, Progress)
    assert last.done == last.total == sum(path.stat().st_size for path in published.contents())


def test_links_modes_owners_and_attributes_survive(target: Repo, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"usr/bin/tool": "x", "usr/bin/secret": "y"})
    (tree / "usr/bin/link").symlink_to("tool")
    (tree / "usr/bin/tool").chmod(0o4755)
    os.setxattr(tree / "usr/bin/secret", "user.note", b"text")
    os.chown(tree / "usr/bin/secret", 12, 34)
    ostree("init", f"--repo={tmp_path / 'source'}", "--mode=archive")
    ostree("commit", f"--repo={tmp_path / 'source'}", f"--branch={REF}", f"--tree=dir={tree}")
    pull(target, "photon", REF, url=f"file://{tmp_path / 'source'}", workers=2)
    ostree("fsck", "--quiet", f"--repo={target.path}")
    ostree("checkout", f"--repo={target.path}", f"photon:{REF}", tmp_path / "out")
    out = tmp_path / "out/usr/bin"
    assert str((out / "link").readlink()) == "tool"
    assert (out / "tool").stat().st_mode & 0o7777 == 0o4755
    assert ((out / "secret").stat().st_uid, (out / "secret").stat().st_gid) == (12, 34)
    assert os.getxattr(out / "secret", "user.note") == b"text"


def test_only_what_is_new_is_imported(published: Published, target: Repo, tmp_path: Path) -> None:
    pull(target, "photon", REF, url=published.url)
    before = stored(target)
    next_tree = write_tree(tmp_path / "next", {**many_files(320), "usr/new": "new"})
    commit_tree(published.path, next_tree, "--generate-sizes")
    events: list[Event] = []
    pull(target, "photon", REF, url=published.url, emit=events.append)
    after = stored(target)
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()
    last = events[-1]
    assert isinstance(last, Progress)
    assert last.total < 1000


def test_a_cancelled_import_keeps_what_is_done_and_cannot_be_deployed(
    published: Published, system: Path, target: Repo
) -> None:
    token = CancelToken()

    def cancel_once_begun(event: Event) -> None:
        if isinstance(event, Progress) and event.done:
            token.cancel()

    with pytest.raises(Cancelled):
        pull(
            target,
            "photon",
            REF,
            url=published.url,
            emit=cancel_once_begun,
            cancel=token,
            workers=1,
        )
    kept = staged(target)
    assert 0 < len(kept) < len(published.contents())
    assert target.resolve(f"photon:{REF}") is None
    with pytest.raises(OstreeError, match="is incomplete"):
        Sysroot.load(system).deploy("photon", published.commit, Origin.for_refspec("x:y"), [])
    pull(target, "photon", REF, url=published.url)
    assert_whole(target, published)
    assert len(kept.items() - stored(target).items()) <= 1  # the file that was being written


_IMPORT = """
import sys
from pathlib import Path
from engine.events import Progress
from engine.pull import pull
from engine.remotes import RemoteConfig, add_remote
from engine.repo import Repo
def emit(event):
    if isinstance(event, Progress) and event.done:
        print("begun", flush=True)
        sys.stdin.read()
if __name__ == "__main__":
    pull(Repo.open(Path(sys.argv[1])), "photon", sys.argv[2], url=sys.argv[3], emit=emit, workers=2)
"""


def test_a_killed_import_leaves_no_process_and_is_resumed(
    published: Published, target: Repo, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(_IMPORT)
    argv = [sys.executable, str(program), str(target.path), REF, published.url]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    # its children hold the other end of this pipe: it reads as closed when the last has ended
    reader, writer = os.pipe()
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writer, env=environment
    ) as process:
        os.close(writer)
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGKILL)
    with os.fdopen(reader, "rb") as errors:
        errors.read()
    kept = staged(target)
    assert kept
    assert target.load_commit(published.commit).partial
    pull(target, "photon", REF, url=published.url)
    assert_whole(target, published)
    assert len(kept.items() - stored(target).items()) <= 2  # one file a worker


def test_a_damaged_file_is_named_and_no_ref_is_set(published: Published, target: Repo) -> None:
    one, other = published.contents()[:2]
    one.write_bytes(other.read_bytes())
    checksum = one.parent.name + one.stem
    with pytest.raises(SignatureError, match=f"the object {checksum}"):
        pull(target, "photon", REF, url=published.url)
    assert target.resolve(f"photon:{REF}") is None
    assert target.load_commit(published.commit).partial


def test_a_damaged_directory_is_named(published: Published, target: Repo) -> None:
    one, other = sorted((published.path / "objects").glob("*/*.dirtree"))[:2]
    one.write_bytes(other.read_bytes())
    with pytest.raises(SignatureError, match=one.parent.name + one.stem):
        pull(target, "photon", REF, url=published.url)


@pytest.mark.parametrize("sizes", [True, False])
def test_a_missing_object_is_named(target: Repo, tmp_path: Path, sizes: bool) -> None:
    tree = write_tree(tmp_path / "tree")
    options = ["--generate-sizes"] if sizes else []
    source = Published(tmp_path / "repo", commit_tree(tmp_path / "repo", tree, *options))
    lost = source.contents()[0]
    lost.unlink()
    with pytest.raises(OstreeError, match=lost.parent.name + lost.stem):
        pull(target, "photon", REF, url=source.url)


def test_a_second_import_at_the_same_time_is_refused(published: Published, target: Repo) -> None:
    def again(event: Event) -> None:
        if isinstance(event, Progress) and event.done < event.total:
            with pytest.raises(OstreeError, match="Another import into"):
                pull(Repo.open(target.path), "photon", REF, url=published.url)

    pull(target, "photon", REF, url=published.url, emit=again, workers=1)
    assert_whole(target, published)


def test_a_target_that_is_too_small_is_refused_before_anything_is_copied(
    published: Published, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=True)
    try:
        repo = Repo.create(small / "repo", "bare")
        add_remote(repo, RemoteConfig("photon", "http://h/repo", gpg_verify=False))
        with pytest.raises(OstreeError, match="MB are free"):
            pull(repo, "photon", REF, url=published.url)
        assert staged(repo) == {}
        del repo
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


checksums = st.binary(min_size=32, max_size=32)
entry_names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(
    st.lists(st.tuples(entry_names, checksums), max_size=40),
    st.lists(st.tuples(entry_names, checksums, checksums), max_size=40),
)
def test_directories_are_read_as_glib_wrote_them(
    files: list[tuple[str, bytes]], folders: list[tuple[str, bytes, bytes]]
) -> None:
    variant = GLib.Variant("(a(say)a(sayay))", (files, folders))
    found = parse_directory(variant.get_data_as_bytes().get_data())
    assert found.files == tuple(checksum.hex() for _name, checksum in files)
    assert found.folders == tuple((tree.hex(), meta.hex()) for _name, tree, meta in folders)
