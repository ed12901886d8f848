"""Packages by what their names and summaries say."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

import solv

from engine.packages.pool import PackagePool


@dataclass(frozen=True, order=True)
class FoundPackage:
    name: str
    summary: str


@dataclass(frozen=True)
class SearchResult:
    """Each package once, where it first fits, by name. both: in name and summary (with several
    words: each is in one of the two); by_name, by_summary: all words are in that one."""

    both: tuple[FoundPackage, ...]
    by_name: tuple[FoundPackage, ...]
    by_summary: tuple[FoundPackage, ...]


def search_packages(pool: PackagePool, words: Sequence[str]) -> SearchResult:
    """Packages of the repositories that fit all words: parts of a name or summary, or globs for a
    whole one; letters' case does not matter. rpm-ostree's rules and groups."""
    groups: tuple[list[FoundPackage], ...] = ([], [], [])
    for name, summary in sorted(_packages(pool).items()):
        in_name = [_fits(word, name) for word in words]
        in_summary = [_fits(word, summary) for word in words]
        if len(words) == 1:
            in_both = in_name[0] and in_summary[0]
        else:
            in_both = all(map(bool.__or__, in_name, in_summary))
        fits = (in_both, all(in_name), all(in_summary))
        if any(fits):
            groups[fits.index(True)].append(FoundPackage(name, summary))
    return SearchResult(*map(tuple, groups))


def _packages(pool: PackagePool) -> dict[str, str]:
    """The summary of each name's newest version; excluded packages are left out."""
    newest: dict[str, solv.XSolvable] = {}
    for repo_id in pool.repository_ids:
        handle = pool.handle(repo_id)
        for solvable in handle.solvables if handle is not None else ():
            if solvable.id in pool.excluded or not solvable.installable():
                continue
            known = newest.get(solvable.name)
            if known is None or known.evrcmp(solvable) < 0:
                newest[solvable.name] = solvable
    return {
        name: solvable.lookup_str(solv.SOLVABLE_SUMMARY) or "" for name, solvable in newest.items()
    }


def _fits(word: str, text: str) -> bool:
    word, text = word.lower(), text.lower()
    if any(sign in word for sign in "*?["):
        return fnmatch.fnmatchcase(text, word)
    return word in text
