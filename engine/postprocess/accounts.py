"""Users and groups of a tree: stable ids, /usr/lib/passwd and /usr/lib/group, nsswitch.

The tree's users live in /usr/lib, where upgrades can add to them; /etc keeps root, and what an
administrator adds. glibc finds the former through nss-altfiles. The scheme is rpm-ostree's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import PackageError
from engine.overlay import OverlayTree

PASSWD, GROUP = "usr/etc/passwd", "usr/etc/group"
LIB_PASSWD, LIB_GROUP = "usr/lib/passwd", "usr/lib/group"
SHADOW, GSHADOW = "usr/etc/shadow", "usr/etc/gshadow"
NSSWITCH = "usr/etc/nsswitch.conf"
_ROOT_USER = "root:x:0:0:root:/root:/bin/sh"
_ROOT_GROUP = "root:x:0:"
_LOCKED = "!*"  # what systemd-sysusers writes for an account without a password
_BACKUPS = ("passwd-", "group-", "shadow-", "gshadow-", "subuid-", "subgid-", ".pwd.lock")


@dataclass(frozen=True)
class Accounts:
    """The ids of a tree's users and groups, by name and by id."""

    users: Mapping[str, int]
    groups: Mapping[str, int]

    @classmethod
    def of(cls, tree: OverlayTree) -> Accounts:
        """Of /etc and /usr/lib together."""
        return cls(
            _ids(_entries(tree.read(PASSWD)) + _entries(tree.read(LIB_PASSWD))),
            _ids(_entries(tree.read(GROUP)) + _entries(tree.read(LIB_GROUP))),
        )

    @staticmethod
    def names(tree: OverlayTree, path: str) -> tuple[str, ...]:
        """Those in one file, such as GROUP."""
        return tuple(map(_name, _entries(tree.read(path))))

    def user_name(self, uid: int) -> str:
        """The name, or the number as text."""
        return next((name for name, number in self.users.items() if number == uid), str(uid))

    def group_name(self, gid: int) -> str:
        return next((name for name, number in self.groups.items() if number == gid), str(gid))


@dataclass(frozen=True)
class KnownAccounts:
    """passwd and group lines whose ids the tree is to keep: the previous commit's, or those of the
    treefile's check-passwd and check-groups files."""

    passwd: str = ""
    group: str = ""


def keep_ids(tree: OverlayTree, known: KnownAccounts) -> None:
    """Before %pre: add the accounts that are known to what the packages bring."""
    for path, text, root in (
        (PASSWD, known.passwd, _ROOT_USER),
        (GROUP, known.group, _ROOT_GROUP),
    ):
        lines = _entries(tree.read(path)) or [root]
        names = {_name(line) for line in lines}
        numbers = set(_ids(lines).values())
        for line in _entries(text):
            if _name(line) not in names and _id(line) not in numbers:
                lines.append(line)
                names.add(_name(line))
                numbers.add(_id(line))
        _rewrite(tree, path, lines)


def split_accounts(tree: OverlayTree, kept_groups: Sequence[str]) -> None:
    """Leave root (and kept_groups, the treefile's etc-group-members) in /etc, move the rest to
    /usr/lib, sorted by id; make nsswitch look there. Raises PackageError for a line that is none.
    """
    _settle_shadow(tree, SHADOW, PASSWD, f"{_LOCKED}:::::::")
    _settle_shadow(tree, GSHADOW, GROUP, f"{_LOCKED}::")
    for name in _BACKUPS:
        tree.remove(f"usr/etc/{name}")
    for etc, lib, kept in (
        (PASSWD, LIB_PASSWD, {"root"}),
        (GROUP, LIB_GROUP, {"root", *kept_groups}),
    ):
        lines = _entries(tree.read(etc))
        _check(etc, lines)
        library = {_name(line): line for line in _entries(tree.read(lib))}
        library.update({_name(line): line for line in lines if _name(line) != "root"})
        _rewrite(tree, etc, [line for line in lines if _name(line) in kept])
        ordered = sorted(library.values(), key=lambda line: (_id(line), _name(line)))
        tree.write(lib, _text(ordered))
    nsswitch = tree.read(NSSWITCH)
    if nsswitch is not None:
        tree.rewrite(NSSWITCH, with_altfiles(nsswitch))


def with_altfiles(nsswitch: str) -> str:
    """nsswitch.conf with altfiles after files for passwd and group."""
    lines = []
    for line in nsswitch.splitlines():
        database, colon, rest = line.partition(":")
        services = rest.split()
        if colon and database.strip() in ("passwd", "group") and "altfiles" not in services:
            place = services.index("files") + 1 if "files" in services else 0
            services.insert(place, "altfiles")
            line = f"{database}: {' '.join(services)}"  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines) + "\n"


def _settle_shadow(tree: OverlayTree, path: str, accounts: str, locked: str) -> None:
    """One entry for every account, the same each time: those that scripts made carry the day, and
    are missing for accounts whose ids were kept."""
    text = tree.read(path)
    if text is None:
        return
    below = tree.find_below(path)
    there = below is not None and below.is_file()
    packaged = {_name(line) for line in _entries(below.read_text())} if below and there else set()
    found = {_name(line): line for line in _entries(text)}
    lines = [line for name, line in found.items() if name in packaged]
    for name in sorted({_name(line) for line in _entries(tree.read(accounts))} - packaged):
        line = found.get(name, "")
        password = line.split(":")[1] if line.count(":") else ""
        lines.append(line if password and password[0] not in "!*" else f"{name}:{locked}")
    _rewrite(tree, path, lines)


def _check(path: str, lines: Iterable[str]) -> None:
    for line in lines:
        if not _name(line) or _id(line) < 0:
            raise PackageError(f"/{path.removeprefix('usr/')} has a malformed line: {line!r}.")


def _entries(text: str | None) -> list[str]:
    return [line for line in (text or "").splitlines() if line and not line.startswith("#")]


def _name(line: str) -> str:
    return line.split(":", 1)[0]


def _id(line: str) -> int:
    """The uid of a passwd line, the gid of a group line; -1 when there is none."""
    fields = line.split(":")
    return int(fields[2]) if len(fields) > 3 and fields[2].isdigit() else -1


def _ids(lines: Iterable[str]) -> dict[str, int]:
    return {_name(line): _id(line) for line in lines}


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _rewrite(tree: OverlayTree, path: str, lines: Sequence[str]) -> None:
    text = _text(lines)
    if tree.read(path) != text:
        tree.rewrite(path, text)
