"""The files of the machine being installed, under the names they will have there.

A deployment's /etc is its own, its /var is the stateroot's, everything else is the tree: hard links
to objects of the repository, which a write would damage. Links are followed as the installed
machine would follow them, so that an absolute link never leads to the installer's own files.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from engine.errors import StorageError
from installer.accounts import AccountFiles, owner_ids

_SHADOW_MODE = 0o600
_MOST_LINKS = 40  # as the kernel
_WRITABLE = ("etc", "var")


class HostFiles:
    """Reads and writes below a deployment. Paths are absolute, as on the installed machine.

    Every writer replaces files in one step and raises StorageError, with the path, when it cannot
    or when the path leads into the read-only tree.
    """

    def __init__(self, deployment: Path, var: Path) -> None:
        self._deployment = deployment
        self._var = var

    def write(
        self, path: str, content: str | bytes, mode: int = 0o644, owner: str = "root"
    ) -> None:
        """Write a whole file; missing parent directories are made with mode 0755.

        owner: a user of the installed machine; the file gets the user's own group too.
        """
        data = content.encode() if isinstance(content, str) else content
        target = self._writable(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target, data, mode, *self._ids(owner))
        except OSError as error:
            raise _failed("write", path, error) from error

    def edit(self, path: str, change: Callable[[str], str], why: str, mode: int = 0o644) -> None:
        """Replace a text by change(text); a missing file counts as empty and gets mode.

        An existing file keeps its mode and owner. why: what the change is, for a dry run.
        """
        target = self._writable(path)
        try:
            former = target.stat() if target.exists() else None
            text = target.read_text() if former else ""
            target.parent.mkdir(parents=True, exist_ok=True)
            if former:
                mode = stat.S_IMODE(former.st_mode)
            owner = (former.st_uid, former.st_gid) if former else (0, 0)
            _replace(target, change(text).encode(), mode, *owner)
        except OSError as error:
            raise _failed("change", path, error) from error

    def change_accounts(self, change: Callable[[AccountFiles], AccountFiles], why: str) -> None:
        """Replace passwd, group, shadow and gshadow by what change makes of them.

        What change raises is raised before anything is written. why: as for `edit`.
        """
        changed = change(self._accounts())
        self.write("/etc/passwd", changed.passwd)
        self.write("/etc/group", changed.group)
        self.write("/etc/shadow", changed.shadow, _SHADOW_MODE)
        self.write("/etc/gshadow", changed.gshadow, _SHADOW_MODE)

    def make_directory(self, path: str, mode: int = 0o755, owner: str = "root") -> None:
        """Make a directory, or give an existing one this mode and owner."""
        target = self._writable(path)
        try:
            target.mkdir(parents=True, exist_ok=True)
            os.chown(target, *self._ids(owner))
            target.chmod(mode)
        except OSError as error:
            raise _failed("make", path, error) from error

    def link(self, path: str, target: str) -> None:
        """Make path a symbolic link to target, in place of a file or link that is there."""
        place = self._writable(path, follow=False)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.symlink_to(target)
        except OSError as error:
            raise _failed("link", path, error) from error

    def copy(self, source: Path, path: str) -> None:
        """Copy a file or a directory's contents; modes are kept, owner is root.

        When path ends in / a file keeps its name below it.
        """
        if path.endswith("/") and source.is_file():
            path += source.name
        target = self._writable(path)
        try:
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                _replace(target, source.read_bytes(), stat.S_IMODE(source.stat().st_mode), 0, 0)
        except (OSError, shutil.Error) as error:
            raise StorageError(f"Could not copy {source} to {path}: {error}.") from error

    def read(self, path: str) -> str:
        """The text of a file, "" when there is none."""
        try:
            return self.locate(path).read_text()
        except OSError:
            return ""

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.locate(path))

    def real_path(self, path: str) -> str:
        """The path without links, as the installed machine names it."""
        return str(self._walk(path, follow=True)[0])

    def locate(self, path: str, follow: bool = True) -> Path:
        """Where a path of the installed machine lies now. follow: also its last component.

        Raises StorageError for a relative path, `..`, or a loop of links.
        """
        return self._walk(path, follow)[1]

    def _accounts(self) -> AccountFiles:
        return AccountFiles(
            passwd=self.read("/etc/passwd"),
            group=self.read("/etc/group"),
            shadow=self.read("/etc/shadow"),
            gshadow=self.read("/etc/gshadow"),
            tree_passwd=self.read("/usr/lib/passwd"),
            tree_group=self.read("/usr/lib/group"),
        )

    def _ids(self, owner: str) -> tuple[int, int]:
        return (0, 0) if owner == "root" else owner_ids(self._accounts(), owner)

    def _writable(self, path: str, follow: bool = True) -> Path:
        name, target = self._walk(path, follow)
        if len(name.parts) < 3 or name.parts[1] not in _WRITABLE:
            raise StorageError(
                f"{path} is part of the read-only tree.",
                hint="Only /etc, /var and what leads there (/root, /home, /opt, /srv, "
                "/usr/local) belong to the machine.",
            )
        return target

    def _walk(self, path: str, follow: bool) -> tuple[PurePosixPath, Path]:
        """The path without links, as the installed machine names it, and where that lies."""
        asked = PurePosixPath(path)
        if not asked.is_absolute() or ".." in asked.parts:
            raise StorageError(f"{path!r} is not an absolute path without `..`.")
        todo = list(reversed(asked.parts[1:]))
        done = PurePosixPath("/")
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                done = done.parent
                continue
            place = self._place(done / part)
            if not place.is_symlink() or (not todo and not follow):
                done /= part
                continue
            links += 1
            if links > _MOST_LINKS:
                raise StorageError(f"{path} leads through a loop of links.")
            goal = PurePosixPath(place.readlink())
            if goal.is_absolute():
                done = PurePosixPath("/")
            todo.extend(reversed([step for step in goal.parts if step != "/"]))
        return done, self._place(done)

    def _place(self, name: PurePosixPath) -> Path:
        if name.parts[1:2] == ("var",):
            return self._var.joinpath(*name.parts[2:])
        return self._deployment.joinpath(*name.parts[1:])


def _replace(target: Path, data: bytes, mode: int, uid: int, gid: int) -> None:
    """Write beside the target and rename: readable by nobody else before mode and owner are set."""
    fresh = target.with_name(f".{target.name}.photree")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            os.fchown(stream.fileno(), uid, gid)
            os.fchmod(stream.fileno(), mode)
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _failed(verb: str, path: str, error: OSError) -> StorageError:
    return StorageError(f"Could not {verb} {path} on the new system: {error.strerror or error}.")
