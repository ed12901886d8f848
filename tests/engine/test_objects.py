"""Sizes of objects as commits record them, compared with libostree's own reader."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.objects import (
    SUFFIXES,
    ObjectSize,
    missing,
    pack_size,
    parse_size,
    present_objects,
    recorded_sizes,
)
from engine.ostree import OSTree
from engine.repo import Repo
from tests.engine.conftest import Published
from tests.engine.trees import commit_tree, write_tree

KINDS = {
    OSTree.ObjectType.FILE: "file",
    OSTree.ObjectType.DIR_TREE: "dirtree",
    OSTree.ObjectType.DIR_META: "dirmeta",
}


def test_sizes_are_those_that_libostree_reads(session_published: Published) -> None:
    repo = Repo.open(session_published.path)
    _ok, variant, _state = repo.native.load_commit(session_published.commit)
    _ok, entries = OSTree.commit_get_object_sizes(variant)
    theirs = {
        (f"{entry.checksum}.{KINDS[entry.objtype]}", entry.archived, entry.unpacked)
        for entry in entries
    }
    ours = recorded_sizes(repo, session_published.commit)
    assert {(size.name, size.stored, size.unpacked) for size in ours} == theirs
    assert missing(ours, present_objects(repo)) == ()
    assert len(ours) > 300


def test_a_commit_that_records_none_has_none(tmp_path: Path) -> None:
    commit = commit_tree(tmp_path / "repo", write_tree(tmp_path / "tree"))
    assert recorded_sizes(Repo.open(tmp_path / "repo"), commit) == ()


@given(st.binary(max_size=60))
def test_any_bytes_are_a_size_or_none(entry: bytes) -> None:
    size = parse_size(entry)
    assert size is None or size.name.partition(".")[2] in KINDS.values()


@given(
    st.binary(min_size=32, max_size=32),
    st.sampled_from(sorted(SUFFIXES.values())),
    st.integers(0, 2**63),
    st.integers(0, 2**63),
)
def test_what_is_packed_is_read_back(checksum: bytes, kind: str, stored: int, unpacked: int):
    size = ObjectSize(f"{checksum.hex()}.{kind}", stored, unpacked)
    assert parse_size(pack_size(size)) == size
