"""RPM packages as commits."""

import os

import pytest

from engine.cancel import CancelToken
from engine.errors import PackageError
from engine.events import discard
from engine.packages.capabilities import capability_xattr
from engine.packages.importer import PackageCache, UnpackOptions
from engine.packages.rpmfile import RpmFile
from engine.repo import Repo
from engine.treebuilder import committed_tree, flatten
from tests.rpms import Entry, Package, build


@pytest.fixture
def repo(tmp_path):
    repo = Repo.create(tmp_path / "cache", "bare")
    repo.set_fsync(False)
    return repo


def unpack(repo, path, options=None):
    cache = PackageCache(repo, options or UnpackOptions())
    (imported,) = cache.import_packages([RpmFile.open(path)], discard, CancelToken())
    return imported.commit


def paths(repo, commit):
    return {path for path, _sum, folder in flatten(committed_tree(repo, commit)) if not folder}


def test_the_commit_has_rpm_ostrees_ref_and_metadata(repo, builds):
    package = build(Package("with_under+plus", version="1~rc", header=("Epoch: 2",)), builds)
    commit = unpack(repo, package)
    ref = "rpmostree/pkg/with__under_2Bplus/2_3A1_7Erc-1.ph5.x86__64"
    assert repo.refs() == {ref: commit}
    metadata = repo.load_commit(commit).metadata
    assert metadata["rpmostree.nevra"] == (
        "with_under+plus-2:1~rc-1.ph5.x86_64", "with_under+plus", 2, "1~rc", "1.ph5", "x86_64",
    )  # fmt: skip
    assert (
        metadata["rpmostree.metadata"]
        == package.read_bytes()[: len(metadata["rpmostree.metadata"])]
    )
    assert metadata["rpmostree.metadata_sha256"] == RpmFile.open(package).head_sha256


def test_an_unpacked_package_is_found_again_by_its_content_and_options(repo, builds):
    one = RpmFile.open(build(Package("p", {"/usr/share/p": Entry("1")}), builds))
    other = RpmFile.open(build(Package("p", {"/usr/share/p": Entry("2")}), builds))
    commit = unpack(repo, one.path)
    assert PackageCache(repo, UnpackOptions()).find(one) == commit
    assert PackageCache(repo, UnpackOptions()).find(other) is None
    assert PackageCache(repo, UnpackOptions(documentation=False)).find(one) is None


def test_a_setuid_bit_of_another_user_waits_for_its_owner(repo, builds):
    files = {
        "/usr/bin/theirs": Entry("x", 0o4755, "somebody"),
        "/usr/bin/roots": Entry("x", 0o4755),
    }
    commit = unpack(repo, build(Package("set", files), builds))
    _ok, root, _commit = repo.native.read_commit(commit, None)
    modes = {
        name: root.resolve_relative_path(f"usr/bin/{name}")
        .query_info("unix::mode", 0, None)
        .get_attribute_uint32("unix::mode")
        & 0o7777
        for name in ("theirs", "roots")
    }
    assert modes == {"theirs": 0o755, "roots": 0o4755}


def test_hardlinks_ghosts_and_strange_names_survive_unpacking(repo, builds, tmp_path):
    spec_files = {
        "/usr/share/with space": Entry("s"),
        "/usr/share/umlaut-\u00fc": Entry("u"),
        "/usr/share/ghost": Entry("g", directive="%ghost"),
    }
    commit = unpack(repo, build(Package("names", spec_files), builds))
    assert paths(repo, commit) == {"usr/share/with space", "usr/share/umlaut-\u00fc"}


def test_languages_can_be_chosen(repo, builds):
    files = {
        "/usr/share/de": Entry("de", directive="%lang(de)"),
        "/usr/share/fr": Entry("fr", directive="%lang(fr)"),
        "/usr/share/any": Entry("any"),
    }
    commit = unpack(repo, build(Package("lang", files), builds), UnpackOptions(languages=("de",)))
    assert paths(repo, commit) == {"usr/share/de", "usr/share/any"}


def test_a_file_that_is_no_rpm_is_named(tmp_path):
    for content in (b"", b"not an rpm at all" * 100):
        path = tmp_path / "broken.rpm"
        path.write_bytes(content)
        with pytest.raises(PackageError, match=r"broken\.rpm cannot be read as an RPM package"):
            RpmFile.open(path)


def test_a_truncated_payload_is_an_error_and_nothing_is_kept(repo, builds, tmp_path):
    whole = build(Package("big", {"/usr/share/big": Entry(os.urandom(300_000))}), builds)
    broken = tmp_path / "big.rpm"
    broken.write_bytes(whole.read_bytes()[:-100_000])
    with pytest.raises(Exception, match=r"Could not unpack .*big\.rpm"):
        unpack(repo, broken)
    assert repo.refs() == {}


def test_capabilities_become_the_kernels_attribute(tmp_path):
    path = tmp_path / "file"
    path.touch()
    for text in ("cap_net_raw=ep", "cap_net_admin,cap_bpf=pi", "= cap_chown+p"):
        os.setxattr(path, "security.capability", capability_xattr(text))
        assert os.getxattr(path, "security.capability") == capability_xattr(text)
    with pytest.raises(PackageError, match="cap_nonsense"):
        capability_xattr("cap_nonsense=ep")
