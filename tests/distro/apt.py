"""Debian's archive, as apt on this machine knows it: package lists and downloads.

Only lists whose release file says "Origin: Debian" count: other repositories a machine may have
set up never leak into the distribution.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.command import Commands
from engine.errors import CommandError, NetworkError, PackageError
from tests.distro.versions import parse_relations, sort_key

LISTS = Path("/var/lib/apt/lists")
_APT_HELPER = "/usr/lib/apt/apt-helper"
_DEBIAN_LISTS = ("Created-By: Packages", "Origin: Debian", "Architecture: amd64")
_NAME = re.compile(r"^Package: (\S+)$", re.MULTILINE)
_PROVIDES = re.compile(r"^Provides: (.+)$", re.MULTILINE)
# apt gives the download to an unprivileged user, who cannot reach a cache below /root.
_UNSANDBOXED = ("-o", "APT::Sandbox::User=root")


@dataclass(frozen=True)
class DebianPackage:
    """One binary package of the archive; fields is its whole stanza."""

    name: str
    version: str
    sha256: str
    size: int
    fields: Mapping[str, str]


def parse_stanza(text: str) -> dict[str, str]:
    """A deb822 paragraph; continuation lines are joined with newlines, without their indent."""
    fields: dict[str, str] = {}
    key = ""
    for line in text.split("\n"):
        if line[:1] in (" ", "\t"):
            if key:
                fields[key] += "\n" + line.strip()
        elif ":" in line:
            key, value = line.split(":", 1)
            fields[key] = value.strip()
    return fields


class Archive:
    """The newest version of every package in some Packages lists."""

    def __init__(self, lists: Iterable[str]) -> None:
        self._stanzas: dict[str, list[str]] = {}
        self._providers: dict[str, set[str]] = {}
        for text in lists:
            for stanza in text.split("\n\n"):
                self._add(stanza)

    def _add(self, stanza: str) -> None:
        match = _NAME.search(stanza)
        if match is None:
            return
        name = match.group(1)
        self._stanzas.setdefault(name, []).append(stanza)
        provides = _PROVIDES.search(stanza)
        if provides is not None:
            for alternatives in parse_relations(provides.group(1)):
                self._providers.setdefault(alternatives[0].name, set()).add(name)

    def get(self, name: str) -> DebianPackage | None:
        """The newest version of a real package."""
        candidates = [parse_stanza(stanza) for stanza in self._stanzas.get(name, ())]
        if not candidates:
            return None
        newest = max(candidates, key=lambda fields: sort_key(fields["Version"]))
        return DebianPackage(name, newest["Version"], newest["SHA256"], int(newest["Size"]), newest)

    def providers(self, name: str) -> Sequence[str]:
        """Real packages that provide a virtual name, sorted."""
        return sorted(self._providers.get(name, ()))


def lists_identity() -> str:
    """Changes whenever `apt-get update` brought something new; "" without lists. No subprocess."""
    files = sorted(path for path in LISTS.glob("*_InRelease") if path.is_file())
    if not any(LISTS.glob("*_Packages*")):
        return ""
    facts = [(path.name, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest() if files else ""


def read_archive(commands: Commands) -> Archive:
    """Debian's Packages lists. Raises PackageError when this machine has none."""
    targets = commands.run(["apt-get", "indextargets", "--format", "$(FILENAME)", *_DEBIAN_LISTS])
    names = [line for line in targets.stdout.splitlines() if line]
    if not names:
        raise PackageError(
            "apt has no package lists of Debian.", hint="Run apt-get update, then try again."
        )
    return Archive(
        commands.run([_APT_HELPER, "cat-file", name], quiet=True).stdout for name in names
    )


def update_lists(commands: Commands) -> None:
    """apt-get update; a third-party repository that fails is no reason to stop."""
    commands.run(["apt-get", "update", "-q"], accept=(0, 100))


def download(packages: Sequence[DebianPackage], folder: Path, commands: Commands) -> None:
    """Bring the packages into folder, as SHA256.deb; those that are there already are kept.

    Raises NetworkError when one cannot be had or is not what the (signed) lists promise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [package for package in packages if not deb_path(folder, package).exists()]
    if not missing:
        return
    wanted = [f"{package.name}={package.version}" for package in missing]
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=folder) as incoming:
        try:
            commands.run(
                ["apt-get", "download", "-q", *_UNSANDBOXED, *wanted],
                cwd=Path(incoming),
                quiet=True,
            )
        except CommandError as error:
            raise NetworkError(
                f"Debian packages could not be downloaded: {error.message}",
                hint="Run apt-get update when the package lists are old, then try again.",
                detail=error.detail,
            ) from error
        for digest, path in _digests(Path(incoming)):
            path.rename(folder / f"{digest}.deb")
    for package in missing:
        if not deb_path(folder, package).exists():
            raise NetworkError(
                f"{package.name} {package.version} is not what Debian's lists promise.",
                hint="Run apt-get update, then try again.",
            )


def deb_path(folder: Path, package: DebianPackage) -> Path:
    """Where `download` keeps a package."""
    return folder / f"{package.sha256}.deb"


def _digests(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*.deb")):
        with path.open("rb") as file:
            yield hashlib.file_digest(file, "sha256").hexdigest(), path
