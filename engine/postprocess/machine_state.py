"""What belongs to the machine and not to the tree: /var while scripts run, and the tmpfiles.d
entries that make it on every machine."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from engine.events import Emit, LogLine
from engine.overlay import OverlayTree
from engine.packages.placement import FACTORY, Area, placement
from engine.packages.rpmfile import RpmFile
from engine.postprocess.accounts import Accounts

_TMPFILES = "usr/lib/tmpfiles.d"
_SCRIPTS_TMPFILES = f"{_TMPFILES}/rpm-ostree-1-autovar.conf"
_FIXED = ("home", "lib", "mnt", "opt", "srv", "tmp", "usrlocal")
_LINKS = {"run": "../run", "lock": "../run/lock"}
_OWN = frozenset({*_FIXED, *_LINKS, "roothome"})
_PRIVATE = 0o700
_SHARED_MODE = 0o1777
_INTEGRATION = """\
# Directories that links of the root lead to
d /var/home 0755 root root -
d /var/lib 0755 root root -
d /var/mnt 0755 root root -
d /var/opt 0755 root root -
d /var/roothome 0700 root root -
d /var/srv 0755 root root -
d /var/usrlocal 0755 root root -
d /var/usrlocal/bin 0755 root root -
d /var/usrlocal/etc 0755 root root -
d /var/usrlocal/lib 0755 root root -
d /var/usrlocal/sbin 0755 root root -
d /var/usrlocal/share 0755 root root -
d /run/media 0755 root root -
L /var/run - - - - ../run
L /var/lock - - - - ../run/lock
# rpm's database is part of the tree
L /var/lib/rpm - - - - ../../usr/share/rpm
"""


def fill_var(var: Path, packages: Sequence[RpmFile], tree: OverlayTree) -> None:
    """Give scripts the /var they expect: what the packages own there (owned by root for now)."""
    for name in _FIXED:
        _make_directory(var / name, 0o755)
    (var / "tmp").chmod(_SHARED_MODE)
    _make_directory(var / "roothome", _PRIVATE)
    for name, target in _LINKS.items():
        (var / name).symlink_to(target)
    for package in packages:
        for file in package.files():
            place = placement(file.path)
            if place.area is not Area.VAR or file.is_ghost:
                continue
            path = var / place.path.removeprefix("var/")
            if file.is_directory:
                _make_directory(path, stat.S_IMODE(file.mode))
            elif not path.exists() and not path.is_symlink():
                _make_directory(path.parent, None)
                factory = tree.find(f"{FACTORY}/{place.path}")
                if file.is_symlink:
                    path.symlink_to(file.target)
                elif factory is not None:
                    shutil.copyfile(factory, path)
                    path.chmod(stat.S_IMODE(file.mode))


def own_var(var: Path, packages: Sequence[RpmFile], accounts: Accounts) -> None:
    """After %pre: the owners that the packages say."""
    for package in packages:
        for file in package.files():
            place = placement(file.path)
            if place.area is not Area.VAR or file.is_symlink:
                continue
            path = var / place.path.removeprefix("var/")
            if path.exists():
                os.chown(path, accounts.users.get(file.user, 0), accounts.groups.get(file.group, 0))
                path.chmod(stat.S_IMODE(file.mode))


def write_tmpfiles(
    tree: OverlayTree, var: Path, packages: Sequence[RpmFile], accounts: Accounts, emit: Emit
) -> None:
    """The entries for what links of the root lead to, and for what scripts made in /var."""
    packaged = {placement(file.path).path for package in packages for file in package.files()}
    tree.write(f"{_TMPFILES}/rpm-ostree-0-integration.conf", _INTEGRATION)
    add_tmpfiles(tree, var, packaged, accounts, emit)


def add_tmpfiles(
    tree: OverlayTree, var: Path, known: Container[str], accounts: Accounts, emit: Emit
) -> None:
    """Turn what scripts made in /var into tmpfiles.d entries, beside those that the tree has.
    Directories and links only: files cannot be delivered that way, and those of packages have
    factory copies already. known: paths ("var/lib/x") that are no script's."""
    lines = (tree.read(_SCRIPTS_TMPFILES) or "").splitlines()
    before = len(lines)
    for path in sorted(_below(var)):
        name = str(path.relative_to(var))
        if name.split("/", maxsplit=1)[0] in _LINKS or name in _OWN or f"var/{name}" in known:
            continue
        status = path.lstat()
        place = f"/var/{name}"
        if any(char.isspace() or char in "%\\" for char in place):
            emit(LogLine(f"{place} has a name that tmpfiles.d cannot hold: left out", "warning"))
        elif stat.S_ISDIR(status.st_mode):
            owner = f"{accounts.user_name(status.st_uid)} {accounts.group_name(status.st_gid)}"
            lines.append(f"d {place} {stat.S_IMODE(status.st_mode):04o} {owner} - -")
        elif stat.S_ISLNK(status.st_mode):
            lines.append(f"L {place} - - - - {path.readlink()}")
        else:
            emit(LogLine(f"{place} was made by a package script and is left out", "info"))
    if len(lines) > before:
        tree.write(_SCRIPTS_TMPFILES, "\n".join(dict.fromkeys(lines)) + "\n")


def names_in(var: Path) -> frozenset[str]:
    """Everything that is in /var, as "var/lib/x"."""
    return frozenset(f"var/{path.relative_to(var)}" for path in _below(var))


def _below(folder: Path) -> Iterator[Path]:
    for root, directories, files in os.walk(folder):
        for name in (*directories, *files):
            yield Path(root) / name


def _make_directory(path: Path, mode: int | None) -> None:
    """mode: permission bits, None for 0755 if it has to be made."""
    if path.is_symlink() or path.is_file():
        return
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)
    if mode is not None:
        path.chmod(mode)
