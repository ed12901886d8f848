"""The words of an origin that name replacements, as rpm-ostree reads and writes them."""

import pytest

from engine.errors import PackageError
from engine.layering.changes import (
    LocalChanges,
    RepositoryReplacement,
    read_replacements,
    written_replacements,
)
from engine.origin import Origin

# Of the tests of rpm-ostree's own rust/src/origin.rs.
RPM_OSTREES = ("repo=foobar,systemd", "repo=bazboo,kernel,kernel-core,kernel-modules")


def test_rpm_ostrees_entries_are_read_and_written_the_same() -> None:
    found = read_replacements(RPM_OSTREES)
    assert [(each.repo, each.name) for each in found] == [
        ("foobar", "systemd"),
        ("bazboo", "kernel"),
        ("bazboo", "kernel-core"),
        ("bazboo", "kernel-modules"),
    ]
    assert written_replacements(found) == RPM_OSTREES


def test_of_several_entries_for_a_package_the_last_one_counts() -> None:
    found = read_replacements(["repo=old,sed,grep", "repo=new,sed"])
    assert written_replacements(found) == ("repo=new,sed", "repo=old,grep")


@pytest.mark.parametrize("entry", ["sed", "repo=", "repo=,sed", "repo=x,", "copr=x,sed", ""])
def test_other_words_are_refused_with_the_entry(entry: str) -> None:
    with pytest.raises(PackageError, match=f'The override "{entry}" in the origin') as error:
        read_replacements([entry])
    assert "override reset --all" in error.value.hint


def test_changes_have_what_the_origin_says() -> None:
    origin = Origin.for_refspec("photon:photon/5.0").with_replacements(RPM_OSTREES)
    assert origin.assembled
    replacements = LocalChanges.of(origin).repository_replacements
    assert RepositoryReplacement("foobar", "systemd") in replacements
