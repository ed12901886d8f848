"""The next release of a package: the same sources, with contents that visibly differ."""

from __future__ import annotations

from dataclasses import replace

from tests.distro.recipes import Recipe
from tests.distro.rpms import EPOCH
from tests.distro.spec import Change, Package
from tests.distro.tree import Entry, Tree

MARKS = "usr/share/photree-test"
_AUTHOR = "Photree tests <packages@photon.test>"
_DAY = 86400


def mark_release(package: Package, tree: Tree, recipe: Recipe, release: int) -> Package:
    """Change tree for the release-th build (2 or more) and say so in the changelog.

    One new file (usr/share/photree-test/NAME-rN), the licence text, and the configuration files
    that the recipe lists as touched.
    """
    remark = f"Release {release} of {package.name}, made for the tests."
    tree.add_directory(MARKS, 0o755)
    mark = f"{MARKS}/{package.name}-r{release}"
    tree.add_file(Entry(mark, "file", 0o644), f"{remark}\n".encode())
    licences = [entry.path for entry in tree.entries.values() if entry.licence]
    for path in (*licences, *recipe.touched):
        tree.append(path, f"# {remark}\n")
    newest = package.changelog[0].time if package.changelog else 0
    change = Change(
        max(newest, EPOCH + release * _DAY),
        _AUTHOR,
        f"{package.version}-{package.release}",
        (f"- {remark}", f"- Fixes CVE-2026-{1000 + release}"),
    )
    return replace(package, changelog=(change, *package.changelog))
