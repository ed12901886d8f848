"""Show which packages differ between two trees.

REV is a ref, a commit id (or its first digits), each with ^ for the parent, or a deployment:
booted, pending, rollback or its index. Without any, the booted deployment is compared with the
pending one, or, when nothing is pending, the rollback deployment with the booted one. With one,
the booted deployment is compared with that.

  photree db diff                          # what the next boot brings
  photree db diff --changelogs             # and what the packages say of it
  photree db diff photon:photon/5.0/x86_64/minimal^ photon:photon/5.0/x86_64/minimal
  photree db diff --format=diff 0 1        # for programs: lines that begin with ! = - +

Exit codes: 0 compared (differences or none), 1 failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from engine.differences.packages import PackageChange, PackageDifferences, package_differences
from engine.errors import PhotreeError
from engine.packages.model import PackageId
from engine.repo import Repo
from engine.revisions import (
    Revision,
    booted_revision,
    default_revisions,
    resolve_revision,
)
from tui.places import Place, add_place, open_place, write_lines

if TYPE_CHECKING:
    from engine.differences.changelogs import PackageChangelog

_ADDED, _REMOVED, _UPGRADED, _DOWNGRADED = range(4)  # rpm-ostree's numbers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", nargs="?", metavar="FROM_REV", help="the tree before")
    parser.add_argument("new", nargs="?", metavar="TO_REV", help="the tree after")
    add_place(parser, "-r")
    parser.add_argument(
        "-F",
        "--format",
        choices=("block", "diff", "json"),
        default="block",
        help="block (for people, the default), diff (a line a package) or json",
    )
    parser.add_argument("--json", action="store_true", help="the same as --format=json")
    parser.add_argument(
        "-c", "--changelogs", action="store_true", help="also what the new versions say of changes"
    )
    parser.add_argument(
        "--base", action="store_true", help="compare what deployments are based on, not layered"
    )


def run(options: argparse.Namespace) -> int:
    place = open_place(options)
    old, new = _revisions(place, options.old, options.new, options.base)
    differences = package_differences(place.repo, old.commit, new.commit)
    if options.json or options.format == "json":
        document = _document(place.repo, old, new, differences, options.changelogs)
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return 0
    write_lines([f"ostree diff commit from: {old}", f"ostree diff commit to:   {new}"])
    if options.format == "diff":
        write_lines(_diff_lines(differences))
    elif options.changelogs:
        write_lines(_changelog_lines(_changelogs(place.repo, old, new, differences), differences))
    else:
        write_lines(differences.lines())
    return 0


def _revisions(
    place: Place, old: str | None, new: str | None, base: bool
) -> tuple[Revision, Revision]:
    """Without a system root, one revision is compared with its parent, as `ostree diff` does it."""
    repo, sysroot = place.repo, place.sysroot
    if old is not None and new is not None:
        first = resolve_revision(repo, old, sysroot, base=base)
        return first, resolve_revision(repo, new, sysroot, base=base)
    if sysroot is not None:
        if old is None:
            return default_revisions(sysroot, base=base)
        return booted_revision(sysroot, base=base), resolve_revision(repo, old, sysroot, base=base)
    if old is None:
        raise PhotreeError("A repository has no deployments to compare.", "Name a ref or commit.")
    return resolve_revision(repo, f"{old}^"), resolve_revision(repo, old)


def _diff_lines(differences: PackageDifferences) -> Iterator[str]:
    """One list for programs, sorted by package."""
    found: list[tuple[PackageId, tuple[str, ...]]] = []
    for change in (*differences.upgraded, *differences.downgraded):
        found.append((change.old, (f"!{change.old.nevra}", f"={change.new.nevra}")))
    found += [(package, (f"-{package.nevra}",)) for package in differences.removed]
    found += [(package, (f"+{package.nevra}",)) for package in differences.added]
    for _package, lines in sorted(found):
        yield from lines


def _changelogs(
    repo: Repo, old: Revision, new: Revision, differences: PackageDifferences
) -> tuple[PackageChangelog, ...]:
    from engine.differences.changelogs import read_changelogs  # noqa: PLC0415 - loads librpm

    return read_changelogs(repo, old.commit, new.commit, differences.upgraded)


def _changelog_lines(
    changelogs: Sequence[PackageChangelog], differences: PackageDifferences
) -> Iterator[str]:
    """Packages of the same source have the same entries: told after the last of them in a row."""
    by_change = {each.change: each for each in changelogs}
    upgraded = differences.upgraded
    if upgraded:
        yield "Upgraded:"
    for number, change in enumerate(upgraded, start=1):
        yield f"  {_with_architectures(change)}"
        this = by_change.get(change)
        following = by_change.get(upgraded[number]) if number < len(upgraded) else None
        if this is not None and (following is None or following.source != this.source):
            yield from _entries(this)
    yield from replace(differences, upgraded=()).lines()


def _with_architectures(change: PackageChange) -> str:
    old, new = change.old, change.new
    return f"{change.name} {old.evr}.{old.arch} -> {new.evr}.{new.arch}"


def _entries(changelog: PackageChangelog) -> Iterator[str]:
    for entry in changelog.entries:
        day = time.strftime("%a %b %d %Y", time.gmtime(entry.timestamp))
        yield f"    * {day} {entry.author}"
        yield from (f"    {line}" for line in entry.text.split("\n"))
        yield ""


def _document(
    repo: Repo, old: Revision, new: Revision, differences: PackageDifferences, changelogs: bool
) -> dict[str, object]:
    """rpm-ostree's keys; pkgdiff as its D-Bus interface has it: (name, kind, details)."""
    values: dict[str, object] = {
        "ostree-commit-from": old.commit,
        "ostree-commit-to": new.commit,
        "pkgdiff": list(_package_entries(differences)),
        "advisories": [],
    }
    if changelogs:
        values["changelogs"] = {
            each.change.new.nevra: [asdict(entry) for entry in each.entries]
            for each in _changelogs(repo, old, new, differences)
        }
    return values


def _package_entries(differences: PackageDifferences) -> Iterator[list[object]]:
    for package in differences.added:
        yield [package.name, _ADDED, {"NewPackage": _triple(package)}]
    for package in differences.removed:
        yield [package.name, _REMOVED, {"PreviousPackage": _triple(package)}]
    for kind, changes in ((_UPGRADED, differences.upgraded), (_DOWNGRADED, differences.downgraded)):
        for each in changes:
            packages = {"PreviousPackage": _triple(each.old), "NewPackage": _triple(each.new)}
            yield [each.name, kind, packages]


def _triple(package: PackageId) -> list[str]:
    return [package.name, package.evr, package.arch]
