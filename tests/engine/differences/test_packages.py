"""Packages that commits have, and what differs; read from lists in commits and real databases."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.differences.changelogs import read_changelogs
from engine.differences.packages import (
    PackageChange,
    PackageDifferences,
    compare_packages,
    package_changes,
    package_differences,
    package_list,
    recorded_packages,
)
from engine.errors import OstreeError, PackageError
from engine.packages.model import PackageId
from engine.repo import Commit, Repo
from tests.engine.differences.conftest import CommitPackages
from tests.engine.trees import commit_tree, write_tree
from tests.rpms import Package

OLDEST = "* Mon Jan 05 2026 Jo <jo@example.com> 1.0-1\n- The first one"
NEWER = "* Tue Feb 03 2026 Jo <jo@example.com> 2.0-1\n- Faster\n- Smaller"


def package(name: str, version: str, arch: str = "x86_64", epoch: int = 0) -> PackageId:
    return PackageId(name, epoch, version, "1.ph5", arch)


def commit_of(*packages: tuple[str, str, str, str, str]) -> Commit:
    metadata = {"rpmostree.rpmdb.pkglist": list(packages)}
    return Commit("a" * 64, None, 0, "", "", "", "", metadata=metadata)


def test_package_changes_are_counted_by_rpms_order() -> None:
    old = commit_of(
        ("a", "0", "1.9", "1", "x"), ("b", "1", "1", "1", "x"), ("c", "", "1", "1", "x")
    )
    new = commit_of(
        ("a", "0", "1.10", "1", "x"), ("b", "0", "2", "1", "x"), ("d", "", "1", "1", "x")
    )
    changes = package_changes(old, new)
    assert changes is not None
    assert changes.counts == {"upgraded": 1, "downgraded": 1, "removed": 1, "added": 1}
    assert str(changes) == "1 upgraded, 1 downgraded, 1 removed, 1 added"
    assert package_changes(old, Commit("b" * 64, None, 0, "", "", "", "")) is None
    assert recorded_packages(old) == (
        PackageId("a", 0, "1.9", "1", "x"),
        PackageId("b", 1, "1", "1", "x"),
        PackageId("c", 0, "1", "1", "x"),
    )


def test_equal_lists_do_not_differ() -> None:
    same = [package("a", "1"), package("b", "2")]
    differences = compare_packages(same, reversed(same))
    assert not differences
    assert str(differences) == ""
    assert list(differences.lines()) == []


def test_the_text_is_rpm_ostrees() -> None:
    differences = PackageDifferences(
        upgraded=(PackageChange(package("a", "1"), package("a", "2", epoch=1)),),
        removed=(package("c", "1"),),
        added=(package("d", "1", "noarch"),),
    )
    assert list(differences.lines()) == [
        "Upgraded:",
        "  a 1-1.ph5 -> 1:2-1.ph5",
        "Removed:",
        "  c-1-1.ph5.x86_64",
        "Added:",
        "  d-1-1.ph5.noarch",
    ]


def test_of_several_kernels_the_common_ones_are_no_difference() -> None:
    old = [package("linux", "6.1"), package("linux", "6.2")]
    new = [package("linux", "6.2"), package("linux", "6.10")]
    (change,) = compare_packages(old, new).upgraded
    assert (change.old.version, change.new.version) == ("6.1", "6.10")


def test_the_newest_kernels_belong_together() -> None:
    old = [package("linux", "6.9"), package("linux", "6.10")]
    differences = compare_packages(old, [package("linux", "6.11")])
    assert differences.upgraded == (PackageChange(old[1], package("linux", "6.11")),)
    assert differences.removed == (old[0],)


def test_an_only_package_that_changed_its_architecture_is_upgraded() -> None:
    old, new = package("a", "1", "noarch"), package("a", "2")
    assert compare_packages([old], [new]).upgraded == (PackageChange(old, new),)


def test_packages_of_two_architectures_are_not_mixed_up() -> None:
    old = [package("libc", "1", "i686"), package("libc", "1")]
    differences = compare_packages(old, [package("libc", "2")])
    assert differences.upgraded == (PackageChange(old[1], package("libc", "2")),)
    assert differences.removed == (old[0],)


PACKAGES = st.frozensets(
    st.builds(
        package,
        st.sampled_from("abc"),
        st.sampled_from(["1", "2", "10"]),
        st.sampled_from(["x86_64", "noarch"]),
        st.integers(0, 1),
    ),
    max_size=8,
)


@given(PACKAGES, PACKAGES)
def test_the_differences_lead_from_one_list_to_the_other(
    old: frozenset[PackageId], new: frozenset[PackageId]
) -> None:
    found = compare_packages(old, new)
    changes = [*found.upgraded, *found.downgraded]
    gone = [*found.removed, *(change.old for change in changes)]
    come = [*found.added, *(change.new for change in changes)]
    assert sorted(gone) == sorted(old - new)
    assert sorted(come) == sorted(new - old)
    back = compare_packages(new, old)
    assert (back.added, back.removed) == (found.removed, found.added)


def test_a_commit_without_a_list_is_read_from_its_database(
    repo: Repo, commit_packages: CommitPackages
) -> None:
    packages = [Package("one"), Package("two", version="3.1", header=("Epoch: 2",))]
    listed, unlisted = (
        commit_packages(packages, listed=True),
        commit_packages(packages, listed=False),
    )
    assert recorded_packages(repo.load_commit(unlisted)) is None
    assert package_list(repo, unlisted) == package_list(repo, listed)
    assert package_list(repo, listed)[1].evr == "2:3.1-1.ph5"
    changed = commit_packages([*packages[:1], Package("two", version="4")], listed=False)
    assert str(package_differences(repo, listed, changed)) == "1 downgraded"


def test_a_tree_without_packages_and_an_unknown_commit_say_so(repo: Repo, tmp_path: Path) -> None:
    commit = commit_tree(repo.path, write_tree(tmp_path / "tree"))
    with pytest.raises(PackageError, match="no rpm database"):
        package_list(repo, commit)
    with pytest.raises(OstreeError, match="no ref or commit"):
        package_list(repo, "nothing")


def test_changelogs_have_the_entries_that_are_new(
    repo: Repo, commit_packages: CommitPackages
) -> None:
    old = commit_packages([Package("tool", scripts={"%changelog": OLDEST}), Package("same")])
    new = commit_packages(
        [
            Package("tool", version="2.0", scripts={"%changelog": f"{NEWER}\n\n{OLDEST}"}),
            Package("same", version="2.0"),
        ]
    )
    differences = package_differences(repo, old, new)
    same, tool = read_changelogs(repo, old, new, differences.upgraded)
    assert (same.change.name, same.entries) == ("same", ())
    (entry,) = tool.entries
    assert (entry.author, entry.text) == ("Jo <jo@example.com> 2.0-1", "- Faster\n- Smaller")
    assert tool.source == "tool-2.0-1.ph5.src.rpm"


def test_nothing_heavy_is_loaded_when_nothing_changed(
    repo: Repo, commit_packages: CommitPackages
) -> None:
    commit = commit_packages([Package("one")])
    program = (
        "import sys; from tui.cli import main; "
        f"main(['db', 'diff', '--repo={repo.path}', '{commit}', 'tree']); "
        "print(*{'requests', 'pydantic', 'textual', 'rich', 'rpm', 'solv', 'yaml'}"
        " & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        f"ostree diff commit from: {commit}",
        f"ostree diff commit to:   tree ({commit})",
        "",
    ]
