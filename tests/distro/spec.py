"""Spec files: a package's description and its files, in rpmbuild's words.

The build root exists already, so that a spec has no %prep, %build or %install.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tests.distro.tree import Entry

_GLOB = re.compile(r"[\[\]*?{}\\]")


@dataclass(frozen=True)
class Change:
    """One changelog entry; lines as they shall appear. time: seconds since 1970."""

    time: int
    author: str
    evr: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Package:
    """Everything in a package's header that does not come from its files.

    Dependencies are in RPM's syntax, by tag ("Requires", "Requires(pre)", "Conflicts", ...).
    scriptlets: by section as a spec file names it ("pre", "transfiletriggerin -- /usr/lib", ...).
    """

    name: str
    epoch: str
    version: str
    release: str
    noarch: bool
    summary: str
    description: str
    licence: str
    url: str
    group: str
    dependencies: Mapping[str, Iterable[str]]
    scriptlets: Mapping[str, str] = field(default_factory=dict)
    changelog: tuple[Change, ...] = ()
    automatic: bool = True
    automatic_requires_excluded: str = ""

    @property
    def architecture(self) -> str:
        """The RPM architecture."""
        return "noarch" if self.noarch else "x86_64"


def write_spec(package: Package, entries: Iterable[Entry]) -> str:
    """The text of the spec file."""
    lines = [
        *_preamble(package),
        "",
        "%description",
        _escape(package.description),
        "",
    ]
    for section, script in package.scriptlets.items():
        lines += [f"%{section}", script.strip("\n").replace("%", "%%"), ""]
    lines += ["%files", *(_file_line(entry) for entry in sorted(entries, key=lambda e: e.path))]
    lines += ["", "%changelog"]
    for change in package.changelog:
        date = time.strftime("%a %b %d %Y", time.gmtime(change.time))
        lines.append(f"* {date} {_escape(change.author)} {change.evr}")
        lines += [*(_escape(line) for line in change.lines), ""]
    return "\n".join(lines) + "\n"


def _preamble(package: Package) -> list[str]:
    excluded = package.automatic_requires_excluded
    lines = [f"%global __requires_exclude ^{excluded}$"] if excluded else []
    lines.append(f"Name: {package.name}")
    if package.epoch != "0":
        lines.append(f"Epoch: {package.epoch}")
    lines += [
        f"Version: {package.version}",
        f"Release: {package.release}",
        f"Summary: {_escape(package.summary)}",
        f"License: {_escape(package.licence)}",
        f"Group: {package.group}",
        f"URL: {_escape(package.url)}",
        "Vendor: Photree tests",
        "Distribution: Photon",
    ]
    if package.noarch:
        lines.append("BuildArch: noarch")
    if not package.automatic:
        lines.append("AutoReqProv: no")
    for tag, values in package.dependencies.items():
        lines += [f"{tag}: {value}" for value in dict.fromkeys(values)]
    return lines


def _file_line(entry: Entry) -> str:
    words = []
    if entry.kind == "directory":
        words.append("%dir")
    if entry.config:
        words.append("%config(noreplace)")
    if entry.licence:
        words.append("%license")
    if _is_documentation(entry):
        words.append("%doc")
    mode = "-" if entry.kind == "link" else f"{entry.mode:04o}"
    words.append(f"%attr({mode}, {entry.user}, {entry.group})")
    if entry.capabilities:
        words.append(f"%caps({entry.capabilities})")
    # rpmbuild expands globs: "?" stands for the characters that it would take for a pattern.
    path = "/" + _escape(_GLOB.sub("?", entry.path))
    words.append(f'"{path}"' if re.search(r"\s", path) else path)
    return " ".join(words)


def _is_documentation(entry: Entry) -> bool:
    parts = PurePosixPath(entry.path).parts
    return parts[:2] == ("usr", "share") and parts[2:3] in (("man",), ("doc",), ("info",))


def _escape(text: str) -> str:
    return text.replace("%", "%%")
