"""A Debian package's contents and control data as an RPM package."""

from __future__ import annotations

import gzip
import posixpath
import re
import tarfile
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

from tests.distro.apply import account_requirements, apply_recipe, scriptlets
from tests.distro.debs import Deb
from tests.distro.recipes import Policy, Recipe
from tests.distro.spec import Change, Package
from tests.distro.tree import Entry, Tree
from tests.distro.versions import Version, rpm_relations

PYTHON_FOLDERS = ("usr/lib/python3",)
_MERGED = re.compile(r"(bin|sbin|lib|lib32|lib64|libx32)(/|$)")
_CHANGELOG = re.compile(r"usr/share/doc/[^/]+/changelog(\.Debian)?\.gz")
_ENTRY = re.compile(r"(\S+) \(([^)]+)\) ")
_SIGNATURE = re.compile(r" -- (.*?)  ?(\w{3}, .*)$")
_LICENCE = re.compile(r"^License: *(\S[^\n]*)$", re.MULTILINE)


class Converter:
    """Converts one package.

    shared_directories: paths that the package `filesystem` owns; others leave them out.
    """

    def __init__(
        self, name: str, recipe: Recipe, policy: Policy, shared_directories: frozenset[str]
    ) -> None:
        self._name = name
        self._recipe = recipe
        self._policy = policy
        self._shared = shared_directories
        self._excluded = re.compile("|".join(f"(?:{p})" for p in policy.excluded_paths))
        self._aliases: list[str] = []
        self._changelog = b""
        self._licence = ""

    def convert(self, deb: Deb, tree: Tree, release: int) -> Package:
        """Fill tree with the files and return the rest of the package."""
        with deb.contents() as contents:
            for member in contents:
                self._take(contents, member, tree)
        for conffile in deb.conffiles:
            if conffile.lstrip("/") in tree.entries:
                tree.change(conffile.lstrip("/"), config=True)
        apply_recipe(self._recipe, tree)
        tree.compile_python(PYTHON_FOLDERS)
        return self._package(deb, tree, release)

    def _take(self, contents: tarfile.TarFile, member: tarfile.TarInfo, tree: Tree) -> None:
        source = posixpath.normpath(member.name).lstrip("/")
        if source == "." or self._excluded.match(source):
            return
        stream = contents.extractfile(member) if member.isreg() else None
        if _CHANGELOG.fullmatch(source) and stream is not None:
            if not self._changelog or ".Debian." in source:
                self._changelog = gzip.decompress(stream.read())
            return
        if member.issym() and source == f"usr/share/doc/{self._source_name}":
            # The documentation, and so the licence, is another package's.
            other = PurePosixPath(member.linkname).name
            tree.add_link(f"usr/share/licenses/{self._name}", other)
        path = self._target(source)
        if path is None or not self._wanted(path):
            return
        self._note_alias(source, member)
        if member.isdir():
            if path not in self._shared:
                tree.add_directory(path, member.mode & 0o7777, member.uname, member.gname)
        elif member.issym():
            self._take_link(source, path, member.linkname, tree)
        elif member.islnk():
            tree.add_hardlink(path, _merge(posixpath.normpath(member.linkname)))
        elif stream is not None:
            is_licence = path.startswith("usr/share/licenses/")
            entry = Entry(
                path,
                "file",
                member.mode & 0o7777,
                member.uname or "root",
                member.gname or "root",
                licence=is_licence,
            )
            data = stream.read() if is_licence else stream
            if isinstance(data, bytes):
                self._licence = data.decode(errors="replace")
            tree.add_file(entry, data, int(member.mtime))

    def _target(self, source: str) -> str | None:
        """Where a file goes; of a documentation folder only the licence is kept."""
        parts = PurePosixPath(source).parts
        if parts[:3] != ("usr", "share", "doc"):
            return _merge(source)
        if len(parts) == 5 and parts[4] == "copyright" and parts[3] == self._source_name:
            return f"usr/share/licenses/{self._name}/copyright"
        return None

    @property
    def _source_name(self) -> str:
        return self._recipe.deb or self._name

    def _wanted(self, path: str) -> bool:
        if path.startswith("usr/share/licenses/"):
            return True
        if self._recipe.only:
            return any(re.match(pattern, path) for pattern in self._recipe.only)
        return not any(re.match(pattern, path) for pattern in self._recipe.exclude)

    def _note_alias(self, source: str, member: tarfile.TarInfo) -> None:
        """Programs that Debian has in /bin or /sbin are asked for by that name."""
        if not member.isdir() and source.startswith(("bin/", "sbin/")):
            self._aliases.append(f"/{source}")

    def _take_link(self, source: str, path: str, target: str, tree: Tree) -> None:
        """A link whose target is where the /usr merge has put it."""
        if target.startswith("/"):
            target = "/" + _merge(target.lstrip("/"))
            absolute = target
        else:
            meant = posixpath.normpath(posixpath.join("/", posixpath.dirname(source), target))
            absolute = "/" + _merge(meant.lstrip("/"))
            if path != source or absolute != meant:
                target = posixpath.relpath(absolute, "/" + posixpath.dirname(path))
        if absolute == "/" + path or path in tree.entries:
            return  # a link between the two halves of the merge
        tree.add_link(path, target)

    def _package(self, deb: Deb, tree: Tree, release: int) -> Package:
        control = deb.control
        version = Version.parse(control["Version"])
        summary, _, description = control.get("Description", self._name).partition("\n")
        return Package(
            name=self._name,
            epoch=version.epoch,
            version=version.rpm_version,
            release=version.rpm_release(release),
            noarch=control["Architecture"] == "all",
            summary=summary,
            description=description.replace("\n.\n", "\n\n") or summary,
            licence=licence_names(self._licence) or f"see /usr/share/licenses/{self._name}",
            url=control.get("Homepage", f"https://packages.debian.org/{self._source_name}"),
            group=control.get("Section", "misc"),
            dependencies=self._dependencies(control, version),
            scriptlets=scriptlets(self._name, self._recipe, tree),
            changelog=self._changes(control, deb.timestamp),
            automatic=self._recipe.automatic,
            automatic_requires_excluded=self._policy.automatic_requires_excluded,
        )

    def _dependencies(self, control: Mapping[str, str], version: Version) -> dict[str, list[str]]:
        """Debian's relationships and the recipe's; Breaks are Conflicts."""

        recipe = self._recipe

        def relations(*fields: str) -> list[str]:
            if not recipe.dependencies:
                return []
            values = ", ".join(control[field] for field in fields if control.get(field))
            return [
                relation
                for relation in rpm_relations(values, self._policy.dropped.union(recipe.dropped))
                if relation.split()[0] != self._name
            ]

        return {
            "Requires(pre)": [
                *relations("Pre-Depends"),
                "filesystem",
                *account_requirements(recipe),
                *recipe.requires_pre,
            ],
            "Requires(post)": list(recipe.requires_post),
            "Requires": [*relations("Depends"), *recipe.requires],
            "Recommends": [*relations("Recommends"), *recipe.recommends],
            "Suggests": relations("Suggests"),
            # The version without our rebuild number: Debian's "=" survives a rebuild.
            "Provides": [
                f"{self._name} = {version.evr}",
                *relations("Provides"),
                *recipe.provides,
                *self._aliases,
            ],
            "Conflicts": [
                *(r for r in relations("Breaks", "Conflicts") if not r.startswith("(")),
                *recipe.conflicts,
            ],
            "Obsoletes": list(recipe.obsoletes),
        }

    def _changes(self, control: Mapping[str, str], timestamp: int) -> tuple[Change, ...]:
        changes = read_changelog(
            self._changelog.decode(errors="replace"),
            self._policy.changelog_entries,
            self._policy.changelog_lines,
        )
        if changes:
            return changes
        author = control.get("Maintainer", "Photree tests <tests@photon.test>")
        evr = Version.parse(control["Version"]).evr
        return (Change(timestamp, author, evr, (f"- Version {control['Version']}",)),)


def _merge(path: str) -> str:
    """The place of a path in a file system whose /bin, /sbin and /lib are in /usr."""
    return f"usr/{path}" if _MERGED.match(path) else path


def licence_names(copyright_file: str) -> str:
    """The short names in a machine-readable copyright file, joined with " and "; else ""."""
    names = (match.strip() for match in _LICENCE.findall(copyright_file))
    return " and ".join(list(dict.fromkeys(names))[:6])


def read_changelog(text: str, entries: int, lines: int) -> tuple[Change, ...]:
    """The newest entries of a Debian changelog, newest first, as RPM wants their dates.

    Entries whose dates run backwards or cannot be read are left out.
    """
    changes: list[Change] = []
    version = ""
    body: list[str] = []
    for line in text.split("\n"):
        if heading := _ENTRY.match(line):
            version, body = heading.group(2), []
        elif (signature := _SIGNATURE.match(line)) and version:
            try:
                when = int(parsedate_to_datetime(signature.group(2)).timestamp())
            except ValueError:
                continue
            if not changes or when <= changes[-1].time:
                author = signature.group(1)
                evr = Version.parse(version).evr
                changes.append(Change(when, author, evr, tuple(_items(body))[:lines]))
            if len(changes) == entries:
                break
        elif line.strip():
            body.append(line)
    return tuple(changes)


def _items(lines: Iterable[str]) -> Iterable[str]:
    """Debian's bullets as RPM's; what goes on keeps an indent."""
    for line in lines:
        item = re.match(r"\s*[*+-]\s+(.*)", line)
        yield f"- {item.group(1)}" if item else f"  {line.strip()}"
