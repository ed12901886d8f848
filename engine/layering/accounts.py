"""Users and groups that keep their ids when packages are layered on a newer base tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import rpm

from engine.committed_file import read_text
from engine.packages.importer import ImportedPackage
from engine.packages.placement import placement
from engine.postprocess.accounts import LIB_GROUP, LIB_PASSWD, KnownAccounts
from engine.repo import Repo

_SYSUSERS = "usr/lib/sysusers.d/"
_WORD = re.compile(r"[A-Za-z0-9_.$-]+")


def known_accounts(
    repo: Repo,
    base: str,
    former: str | None,
    packages: Sequence[ImportedPackage],
) -> KnownAccounts:
    """The base tree's accounts, then those that the former layers had made for these packages.

    former: a commit with layers. An account belongs to the packages if it owns a file of one, or if
    a script or a sysusers.d file names it; what only packages that are gone needed is forgotten.
    """
    passwd, group = read_text(repo, base, LIB_PASSWD), read_text(repo, base, LIB_GROUP)
    if former is not None:
        words = set(_words(repo, packages))
        passwd += _named(read_text(repo, former, LIB_PASSWD), words)
        group += _named(read_text(repo, former, LIB_GROUP), words)
    return KnownAccounts(passwd, group)


def _named(text: str, words: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if line.split(":", 1)[0] in words)


def _words(repo: Repo, packages: Sequence[ImportedPackage]) -> Iterator[str]:
    for package in packages:
        for tag in (rpm.RPMTAG_PREIN, rpm.RPMTAG_POSTIN, rpm.RPMTAG_POSTTRANS):
            yield from _WORD.findall(package.rpm.header[tag] or "")
        for file in package.rpm.files():
            yield from (file.user, file.group)
            path = placement(file.path).path
            if path.startswith(_SYSUSERS) and file.is_regular:
                yield from _WORD.findall(read_text(repo, package.commit, path))
