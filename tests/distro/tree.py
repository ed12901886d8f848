"""The files of one package: on disk in a build root, and what the package says of each."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal

Kind = Literal["file", "directory", "link"]


@dataclass(frozen=True)
class Entry:
    """What the package says of one path (without its leading slash)."""

    path: str
    kind: Kind
    mode: int = 0o755
    user: str = "root"
    group: str = "root"
    config: bool = False
    licence: bool = False
    ghost: bool = False
    capabilities: str = ""


class Tree:
    """A build root that remembers owners and flags, which an unprivileged copy would lose.

    timestamp: modification time, in seconds, of everything that comes without one.
    """

    def __init__(self, root: Path, timestamp: int) -> None:
        self.root = root
        self.entries: dict[str, Entry] = {}
        self._timestamp = timestamp

    def path(self, path: str) -> Path:
        """Where a path of the package is now."""
        return self.root / path

    def add_directory(self, path: str, mode: int, user: str = "root", group: str = "root") -> None:
        """A directory that the package owns."""
        self.path(path).mkdir(parents=True, exist_ok=True)
        self.entries[path] = Entry(path, "directory", mode, user, group)

    def add_file(self, entry: Entry, contents: bytes | IO[bytes], mtime: int | None = None) -> None:
        """A regular file; it replaces one of the same path."""
        target = self._place(entry.path)
        with target.open("wb") as file:
            if isinstance(contents, bytes):
                file.write(contents)
            else:
                shutil.copyfileobj(contents, file, 1 << 20)
        # Owners and special bits come from the spec file; the build root stays plain.
        target.chmod(entry.mode & 0o777 | 0o600)
        self._set_time(target, mtime)
        self.entries[entry.path] = entry

    def add_link(self, path: str, target: str) -> None:
        """A symbolic link; it replaces what was at path."""
        place = self._place(path)
        place.symlink_to(target)
        self._set_time(place, None)
        self.entries[path] = Entry(path, "link", 0o777)

    def add_hardlink(self, path: str, existing: str) -> None:
        """A second name for a file that is there."""
        self._place(path).hardlink_to(self.path(existing))
        self.entries[path] = replace(self.entries[existing], path=path)

    def append(self, path: str, text: str) -> None:
        """Add text to the end of a file."""
        with self.path(path).open("a", encoding="utf-8") as file:
            file.write(text)
        self._set_time(self.path(path), None)

    def change(self, path: str, **values: object) -> None:
        """Change what the package says of a path. Raises KeyError when it has no such path."""
        self.entries[path] = replace(self.entries[path], **values)  # type: ignore[arg-type]

    def compile_python(self, prefixes: Iterable[str]) -> None:
        """Add bytecode for the modules below prefixes, valid whatever the source's time is.

        Files checked out of an OSTree repository have modification time 0, so that Python would
        take time-stamped bytecode for stale.
        """
        starts = tuple(prefixes)
        for path in [path for path in self.entries if path.startswith(starts)]:
            if path.endswith(".py") and self.entries[path].kind == "file":
                self._compile(path)

    def _compile(self, path: str) -> None:
        cached = importlib.util.cache_from_source(path, optimization="")
        target = self._place(cached)
        try:
            py_compile.compile(
                str(self.path(path)),
                str(target),
                dfile=f"/{path}",
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except py_compile.PyCompileError:
            return  # templates and samples for other Pythons
        target.chmod(0o644)
        self._set_time(target, None)
        directory = str(Path(cached).parent)
        if directory not in self.entries:
            self.add_directory(directory, 0o755)
        self.entries[cached] = Entry(cached, "file", 0o644)

    def _place(self, path: str) -> Path:
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            target.unlink()
        return target

    def _set_time(self, path: Path, mtime: int | None) -> None:
        time = self._timestamp if mtime is None else mtime
        os.utime(path, (time, time), follow_symlinks=False)
