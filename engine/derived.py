"""Files that programs of the tree make from other files of it, kept from one compose to the next.

A result is used again only when everything it was made from is the same: the command, the contents
of every file that it opened, and - for what it looked for and did not find, or only asked about -
the name, type, permissions and link target of the paths of the tree. Left out of the latter are
folders with texts about packages, and folders directly below /usr/lib, /usr/libexec and /usr/share
whose names none of dracut's scripts and settings has in it: what is never named is never asked for.
Should a program open something there all the same, its result is not kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.overlay import OPAQUE, OverlayTree, is_whiteout
from engine.packages.placement import placement

_KEPT = 4
_TEXTS = frozenset(
    {
        "usr/lib/sysimage",
        "usr/share/doc",
        "usr/share/info",
        "usr/share/licenses",
        "usr/share/man",
        "usr/share/rpm",
        "usr/share/rpm-ostree",
    }
)
_SORTED_BY_OWNER = ("usr/lib", "usr/libexec", "usr/share")
_SCRIPTS = ("usr/lib/dracut/", "usr/etc/dracut.conf", "usr/bin/dracut", "usr/sbin/dracut")
_ASKED_BY_ALL = frozenset({"gconv", "locale", "terminfo", "zoneinfo"})
_LIBRARIES = "-linux-"  # in the name of a folder of one architecture, as in x86_64-linux-gnu
_WORD = re.compile(rb"[\w.+-]{2,}")


class TreeState:
    """A tree as it is now. contents: the object checksums of what is in its lower directory."""

    def __init__(self, tree: OverlayTree, contents: Mapping[str, str]) -> None:
        names = _names(tree)
        words = _words(tree, names)
        asked = {path: value for path, value in names.items() if _is_asked(path, words)}
        self._asked = asked
        self._contents = contents
        self._changed = {
            path: hashlib.sha256((tree.upper / path).read_bytes()).hexdigest()
            for path, entry in _listed_entries(tree.upper, "")
            if entry.is_file(follow_symlinks=False) and path in asked
        }
        lines = (f"{path}\0{mode:o}\0{target}\n" for path, (mode, target) in sorted(asked.items()))
        self.names = hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()
        self._left_out = names.keys() - asked.keys()

    def covers(self, path: str) -> bool:
        """Whether a path that was opened is one that the state knows everything about."""
        folder = "/".join(path.split("/")[:3])
        unknown = self._left_out | _TEXTS | set(_SORTED_BY_OWNER)
        return path not in unknown and folder not in unknown

    def content(self, path: str) -> str:
        """A checksum of a file's content; empty when there was none, and for a directory."""
        if path not in self._asked:
            return ""
        return self._changed.get(path) or self._contents.get(path, "")


@dataclass(frozen=True)
class Derived:
    """What programs made. image: a file beside the tree, empty for none. files: permissions and
    content of those in the tree, by path."""

    image: bytes
    files: Mapping[str, tuple[int, bytes]]


class DerivedCache:
    """Results in a folder; the few last used are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, command: Sequence[str], state: TreeState) -> Derived | None:
        """The result of command in this state, if it is known."""
        for entry in self._folder.glob(f"{_key(command, state)}-*"):
            record = entry / "record.json"
            if not record.exists():
                continue
            inputs, files = json.loads(record.read_text())
            if all(state.content(path) == checksum for path, checksum in inputs.items()):
                os.utime(entry)
                return Derived(
                    (entry / "image").read_bytes(),
                    {
                        path: (mode, (entry / name).read_bytes())
                        for path, (mode, name) in files.items()
                    },
                )
        return None

    def store(
        self, command: Sequence[str], state: TreeState, opened: Sequence[str], result: Derived
    ) -> None:
        """Keep a result. opened: from `engine.opened`, during the run that began in this state."""
        paths = sorted({placement(path).path for path in opened})
        if not all(state.covers(path) for path in paths):
            return
        inputs = {path: state.content(path) for path in paths}
        digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        entry = self._folder / f"{_key(command, state)}-{digest[:16]}"
        shutil.rmtree(entry, ignore_errors=True)
        entry.mkdir(parents=True, mode=0o700)
        (entry / "image").write_bytes(result.image)
        names = {}
        for number, (path, (mode, content)) in enumerate(result.files.items()):
            names[path] = (mode, str(number))
            (entry / str(number)).write_bytes(content)
        part = entry / "record.part"
        part.write_text(json.dumps([inputs, names]))
        part.rename(entry / "record.json")
        self._drop_old()

    def _drop_old(self) -> None:
        entries = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for entry in entries[:-_KEPT]:
            shutil.rmtree(entry)


def changed_files(tree: OverlayTree) -> dict[str, tuple[int, int, int]]:
    """The upper directory's files: (inode, size, time of change in ns) by path."""
    found = {}
    for folder, _folders, files in os.walk(tree.upper):
        for name in files:
            path = Path(folder) / name
            status = path.lstat()
            key = str(path.relative_to(tree.upper))
            found[key] = (status.st_ino, status.st_size, status.st_ctime_ns)
    return found


def _key(command: Sequence[str], state: TreeState) -> str:
    text = json.dumps([*command, state.names])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _names(tree: OverlayTree) -> dict[str, tuple[int, str]]:
    """(type and permissions, link target) of every path but for texts about packages."""
    names = dict(_listed(tree.lower, ""))
    for path, entry in _listed_entries(tree.upper, ""):
        status = entry.stat(follow_symlinks=False)
        below = path + "/"
        gone = is_whiteout(status)
        if gone or not entry.is_dir(follow_symlinks=False) or _is_opaque(entry.path):
            for other in [name for name in names if name.startswith(below)]:
                del names[other]
        if gone:
            names.pop(path, None)
        else:
            names[path] = _described(entry)
    return names


def _is_asked(path: str, words: frozenset[bytes]) -> bool:
    """Whether a program may ask for this path by its name."""
    top, below, rest = path.split("/", 2) if path.count("/") > 1 else ("", "", "")
    if f"{top}/{below}" not in _SORTED_BY_OWNER:
        return True
    folder = rest.split("/")[0]
    if folder in _ASKED_BY_ALL or _LIBRARIES in folder:
        return True
    return folder.encode(errors="surrogateescape") in words


def _words(tree: OverlayTree, names: Iterable[str]) -> frozenset[bytes]:
    """Every word in dracut's scripts and settings."""
    found: set[bytes] = set()
    for path in names:
        if path.startswith(_SCRIPTS):
            place = tree.find(path)
            if place is not None and place.is_file():
                found.update(_WORD.findall(place.read_bytes()))
    return frozenset(found)


def _listed(root: Path, prefix: str) -> Iterator[tuple[str, tuple[int, str]]]:
    for path, entry in _listed_entries(root, prefix):
        yield path, _described(entry)


def _listed_entries(root: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every entry below root but for texts about packages, parents first."""
    with os.scandir(root) as entries:
        for entry in entries:
            path = f"{prefix}{entry.name}"
            if path in _TEXTS:
                continue
            yield path, entry
            if entry.is_dir(follow_symlinks=False):
                yield from _listed_entries(Path(entry.path), f"{path}/")


def _described(entry: os.DirEntry[str]) -> tuple[int, str]:
    mode = entry.stat(follow_symlinks=False).st_mode
    return mode, str(Path(entry.path).readlink()) if stat.S_ISLNK(mode) else ""


def _is_opaque(path: str) -> bool:
    return OPAQUE in os.listxattr(path, follow_symlinks=False)
