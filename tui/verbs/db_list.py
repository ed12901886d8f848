"""List the packages of trees.

REV is a ref, a commit id, or a deployment (booted, pending, rollback or its index). What follows
the last REV are patterns: only packages whose name, name.arch, name-version-release or full name
fits one of them are listed; letters' case does not matter. Without a REV, the booted deployment is
listed.

  photree db list                          # everything that is installed
  photree db list booted 'python3*'
  photree db list photon:photon/5.0/x86_64/minimal linux

Exit codes: 0 listed, 1 failed.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from engine.differences.packages import package_list
from engine.errors import OstreeError, PhotreeError
from engine.packages.model import PackageId
from engine.revisions import Revision, booted_revision, find_revision
from tui.places import Place, add_place, open_place, write_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", metavar="REV | PATTERN", help="trees, then patterns")
    add_place(parser, "-r")
    parser.add_argument("--json", action="store_true", help="print a JSON document")


def run(options: argparse.Namespace) -> int:
    place = open_place(options)
    revisions, patterns = _split(place, options.words)
    listed = {
        revision: [
            package
            for package in package_list(place.repo, revision.commit)
            if not patterns or _fits(package, patterns)
        ]
        for revision in revisions
    }
    if options.json:
        document = [
            {"rev": revision.text, "commit": revision.commit, "packages": _values(packages)}
            for revision, packages in listed.items()
        ]
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return 0
    for revision, packages in listed.items():
        write_lines([f"ostree commit: {revision}", *(f" {each.nevra}" for each in packages)])
    return 0


def _split(place: Place, words: Sequence[str]) -> tuple[list[Revision], list[str]]:
    """As rpm-ostree: the first word that names no commit is the first pattern."""
    revisions: list[Revision] = []
    for number, word in enumerate(words):
        found = _revision(place, word)
        if found is None:
            return revisions or [_default(place)], list(words[number:])
        revisions.append(found)
    return revisions or [_default(place)], []


def _revision(place: Place, word: str) -> Revision | None:
    try:
        return find_revision(place.repo, word, place.sysroot)
    except OstreeError:  # such as "linux*", which cannot be a ref's name
        return None


def _default(place: Place) -> Revision:
    if place.sysroot is None:
        raise PhotreeError("A repository has no booted deployment.", "Name a ref or commit first.")
    return booted_revision(place.sysroot)


def _fits(package: PackageId, patterns: Iterable[str]) -> bool:
    version_release = f"{package.version}-{package.release}"
    forms = (
        package.name,
        package.nevra,
        f"{package.name}.{package.arch}",
        f"{package.name}-{version_release}",
    )
    lowered = [form.lower() for form in forms]
    return any(fnmatch.fnmatchcase(form, each.lower()) for each in patterns for form in lowered)


def _values(packages: Iterable[PackageId]) -> list[dict[str, object]]:
    return [asdict(package) for package in packages]
