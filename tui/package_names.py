"""Names of packages for completion: read from files that any user may read, without libostree and
librpm, as an answer has to be there before the next key. Nothing is ever written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_DATABASES = (  # the base tree's own, then what a tree without layers has
    "usr/lib/sysimage/rpm-ostree-base-db/rpmdb.sqlite",
    "usr/share/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
)
_ENTRY_VERSION = re.compile(r"^version\s+(\d+)", re.MULTILINE)
_ENTRY_LINK = re.compile(r"\bostree=/(\S+)")
_LOCAL = re.compile(r"[0-9a-f]{64}:(.+)-[^-]+-[^-]+$")


class PackageNames:
    """Of the deployment that the next change starts from: what is staged, else what boots first."""

    def __init__(self, sysroot: Path) -> None:
        self._sysroot = sysroot

    def layered(self) -> list[str]:
        """What `uninstall` takes: requests, and the names of local packages."""
        origin = self._origin()
        return sorted({*origin.get("requested", ()), *_local_names(origin, "requested-local")})

    def overridden(self) -> list[str]:
        """What `override reset` takes."""
        origin = self._origin()
        names = {*origin.get("remove", ()), *_local_names(origin, "replace-local")}
        for entry in origin.get("replace", ()):
            names.update(entry.split(",")[1:])
        return sorted(names)

    def base(self) -> list[str]:
        """What `override remove` takes: all packages of the base tree."""
        deployment = self._deployment()
        if deployment is None:
            return []
        found = [deployment / path for path in _DATABASES if (deployment / path).is_file()]
        return sorted(_database_names(found[0])) if found else []

    def _origin(self) -> dict[str, list[str]]:
        """Its lists by key; their keys differ in all groups."""
        deployment = self._deployment()
        text = text_of(Path(f"{deployment}.origin")) if deployment is not None else ""
        pairs = [line.partition("=") for line in text.splitlines()]
        return {
            key.strip(): [each for each in value.strip().split(";") if each]
            for key, _equals, value in pairs
        }

    def _deployment(self) -> Path | None:
        booting = list(self._booting())
        made = [
            each.with_suffix("")
            for each in (self._sysroot / "ostree").resolve().glob("deploy/*/deploy/*.origin")
        ]
        staged = [each for each in made if each not in booting]
        return next(iter((*staged, *booting)), None)

    def _booting(self) -> Iterator[Path]:
        """The deployments that have a boot entry, in boot order."""
        entries = []
        for file in self._sysroot.glob("boot/loader/entries/ostree-*.conf"):
            text = text_of(file)
            version, link = _ENTRY_VERSION.search(text), _ENTRY_LINK.search(text)
            if version and link:
                entries.append((int(version[1]), link[1]))
        for _version, target in sorted(entries, reverse=True):
            yield (self._sysroot / target).resolve()


def text_of(file: Path) -> str:
    """ "" for one that is not there, not ours to read, or no text."""
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _local_names(origin: dict[str, list[str]], key: str) -> Iterator[str]:
    """Of "SHA256:NEVRA"."""
    for entry in origin.get(key, ()):
        if found := _LOCAL.match(entry):
            yield found[1]


def _database_names(file: Path) -> set[str]:
    """The index of names in an rpm database. It is opened as one that never changes: SQLite would
    make files beside it otherwise."""
    import sqlite3  # noqa: PLC0415 - 10 ms that most completions need not pay

    try:
        database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            rows = database.execute("SELECT DISTINCT key FROM Name").fetchall()
        finally:
            database.close()
    except sqlite3.Error:  # not ours to judge
        return set()
    return {name for (name,) in rows} - {"gpg-pubkey"}
