"""Debian's versions, relationships, changelogs and dependency closures, in RPM's words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.command import SystemCommands
from engine.errors import PackageError
from tests.distro.apt import Archive
from tests.distro.closure import close
from tests.distro.convert import licence_names, read_changelog
from tests.distro.versions import Version, parse_relations, rpm_relations, sort_key

VERSIONS = st.from_regex(
    r"([1-3]:)?[0-9]([a-c0-9.+~]){0,5}(-[0-9]([a-c0-9.+~]){0,3})?", fullmatch=True
)


@settings(max_examples=40, deadline=None)
@given(VERSIONS, VERSIONS)
def test_versions_sort_as_dpkg_sorts_them(left: str, right: str) -> None:
    answer = SystemCommands().run(["dpkg", "--compare-versions", left, "lt", right], accept=(0, 1))
    assert (sort_key(left) < sort_key(right)) is (answer.returncode == 0)


@pytest.mark.parametrize(
    ("debian", "version", "release", "evr"),
    [
        ("1.2-3", "1.2", "3.1.ph5", "1.2-3"),
        ("1:9.2p1-2+deb12u7", "9.2p1", "2+deb12u7.1.ph5", "1:9.2p1-2+deb12u7"),
        ("2023.11-rc1-4", "2023.11.rc1", "4.1.ph5", "2023.11.rc1-4"),
        ("12.4", "12.4", "0.1.ph5", "12.4-0"),
    ],
)
def test_versions_become_epoch_version_and_release(
    debian: str, version: str, release: str, evr: str
) -> None:
    parsed = Version.parse(debian)
    assert (parsed.rpm_version, parsed.rpm_release(1), parsed.evr) == (version, release, evr)


@pytest.mark.parametrize(
    ("debian", "rpm"),
    [
        ("libc6 (>= 2.36)", ["libc6 >= 2.36"]),
        ("libc6 (>> 2.36), libc6 (<< 2.37)", ["libc6 > 2.36-0", "libc6 < 2.37-0"]),
        ("python3:any (= 3.11.2-1+b1)", ["python3 = 3.11.2-1+b1"]),
        ("mawk | gawk (>= 1:5)", ["(mawk or gawk >= 1:5)"]),
        ("debconf (>= 0.5) | debconf-2.0, libc6", ["libc6"]),
        ("", []),
    ],
)
def test_relationships_become_dependencies(debian: str, rpm: list[str]) -> None:
    assert rpm_relations(debian, {"debconf"}) == rpm


def test_text_that_is_no_relationship_is_refused() -> None:
    with pytest.raises(ValueError, match="not a relationship"):
        parse_relations("a, (>= 1)")


PACKAGES = """\
Package: app
Version: 1
Depends: mail-server, old | lib (>= 2), glue
SHA256: a
Size: 1

Package: lib
Version: 2
SHA256: b
Size: 1

Package: lib
Version: 10
SHA256: c
Size: 1

Package: exim
Version: 1
Provides: mail-server (= 3), sendmail
SHA256: d
Size: 1

Package: broken
Version: 1
Depends: nothing-has-this
SHA256: e
Size: 1
"""


def test_a_closure_takes_providers_alternatives_and_the_newest_versions() -> None:
    chosen = close(Archive([PACKAGES]), ["app"], {"glue"})
    assert [(package.name, package.version) for package in chosen] == [
        ("app", "1"),
        ("exim", "1"),
        ("lib", "10"),
    ]


@pytest.mark.parametrize("root", ["absent", "broken"])
def test_a_closure_with_a_hole_is_refused(root: str) -> None:
    with pytest.raises(PackageError, match=root):
        close(Archive([PACKAGES]), [root], set())


CHANGELOG = """\
app (1:1.1-2) unstable; urgency=medium

  * Second item, which goes on
    in a second line.
  [ Somebody ]
  * Other

 -- A Person <a@example.org>  Tue, 03 Feb 2026 10:00:00 +0100

app (1:1.1-1) unstable; urgency=medium

  * A date that runs backwards.

 -- A Person <a@example.org>  Wed, 04 Feb 2026 10:00:00 +0100

app (1.0-1) unstable; urgency=low

  * First.

 -- A Person <a@example.org>  Sun, 01 Feb 2026 10:00:00 +0100
"""


def test_changelogs_are_read_newest_first_and_never_backwards() -> None:
    changes = read_changelog(CHANGELOG, entries=8, lines=2)
    assert [(change.evr, change.lines) for change in changes] == [
        ("1:1.1-2", ("- Second item, which goes on", "  in a second line.")),
        ("1.0-1", ("- First.",)),
    ]


def test_licences_are_named_once_each() -> None:
    text = "Files: *\nLicense: GPL-2+\n\nFiles: x\nLicense: Expat\n\nLicense: GPL-2+\n On Debian\n"
    assert licence_names(text) == "GPL-2+ and Expat"
