"""Accounts as the text of passwd(5), group(5), shadow(5) and gshadow(5).

Tools like useradd cannot do it here: on a tree most accounts live in /usr/lib/passwd and
/usr/lib/group (nss-altfiles), where useradd neither sees used ids nor adds members.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.errors import StorageError
from installer.plan import Password, User

FIRST_UID = 1000
LAST_UID = 60000
SHELL = "/bin/bash"
HOMES = "/var/home"
_NO_PASSWORD = "*"  # noqa: S105 - nobody can log in with it; "!" would also lock out SSH keys
_UNLIMITED_DAYS = "99999"
_SECONDS_OF_A_DAY = 86400
_FIRST_CREDIBLE_DAY = 19000  # 2022: an earlier clock is a clock that was never set


@dataclass(frozen=True)
class AccountFiles:
    """The machine's own four files, and (read only) what the tree brings in /usr/lib."""

    passwd: str = ""
    group: str = ""
    shadow: str = ""
    gshadow: str = ""
    tree_passwd: str = ""
    tree_group: str = ""


def today() -> int | None:
    """Days since 1970, None while the clock is not set (shadow's last change stays empty then)."""
    day = int(time.time()) // _SECONDS_OF_A_DAY
    return day if day >= _FIRST_CREDIBLE_DAY else None


def set_password(
    files: AccountFiles, name: str, password: Password, day: int | None
) -> AccountFiles:
    """Give an account this password and ageing; day: when it was changed, days since 1970."""
    rows = _rows(files.shadow)
    row = next((row for row in rows if row[0] == name), None)
    if row is None:
        row = [name, _NO_PASSWORD, "", "0", _UNLIMITED_DAYS, "7", "", "", ""]
        rows.append(row)
    row += [""] * (9 - len(row))
    row[1] = password.hash.reveal() if password.hash else _NO_PASSWORD
    row[2] = "" if day is None else str(day)
    if password.max_days == 0:
        row[2] = "0"  # chage -d 0: must be changed at the next login
    elif password.max_days is not None:
        row[4] = _UNLIMITED_DAYS if password.max_days < 0 else str(password.max_days)
    return replace(files, shadow=_text(rows))


def add_user(files: AccountFiles, user: User, day: int | None) -> AccountFiles:
    """Add an account with a group of its own, of the same number.

    An account of that name in /etc keeps its ids. Raises StorageError for a name the tree has, for
    an unknown group, and when no id is free.
    """
    if all(row[0] != user.name for row in _rows(files.passwd)):
        files = _create(files, user.name)
    files = set_password(files, user.name, user.password, day)
    for group in user.groups:
        files = _join(files, user.name, group)
    return files


def owner_ids(files: AccountFiles, name: str) -> tuple[int, int]:
    """uid and gid of an account in /etc. Raises StorageError for another name."""
    for row in _rows(files.passwd):
        if row[0] == name:
            return int(row[2]), int(row[3])
    raise StorageError(f"The new system has no user {name}.")


def _create(files: AccountFiles, name: str) -> AccountFiles:
    if any(row[0] == name for row in _rows(files.tree_passwd)):
        raise StorageError(
            f"The user {name} cannot be added: the tree has a system account of that name.",
            hint="Choose another name.",
        )
    uid = _free_id(files)
    home = f"{HOMES}/{name}"
    passwd = files.passwd + _line([name, "x", str(uid), str(uid), "", home, SHELL])
    if any(row[0] == name for row in _rows(files.group + files.tree_group)):
        raise StorageError(
            f"The user {name} cannot be added: there is a group of that name already.",
            hint="Choose another name.",
        )
    return replace(
        files,
        passwd=passwd,
        group=files.group + _line([name, "x", str(uid), ""]),
        gshadow=files.gshadow + _line([name, "!", "", ""]),
    )


def _free_id(files: AccountFiles) -> int:
    """An id that is neither a user's nor a group's."""
    texts = (files.passwd, files.tree_passwd, files.group, files.tree_group)
    used = {int(row[2]) for text in texts for row in _rows(text) if row[2].isdigit()}
    free = next((number for number in range(FIRST_UID, LAST_UID) if number not in used), None)
    if free is None:
        raise StorageError("There is no free user id.")
    return free


def _join(files: AccountFiles, user: str, group: str) -> AccountFiles:
    """Add a member. A group of the tree is copied to /etc first: the copy there counts."""
    rows = _rows(files.group)
    if not any(row[0] == group for row in rows):
        ours = next((row for row in _rows(files.tree_group) if row[0] == group), None)
        if ours is None:
            raise StorageError(
                f"The user {user} cannot be a member of {group}: the tree has no such group.",
                hint=f"Groups of the tree: {', '.join(_names(files.group, files.tree_group))}.",
            )
        rows.append(ours)
    gshadow = _rows(files.gshadow)
    if not any(row[0] == group for row in gshadow):
        gshadow.append([group, "!", "", ""])
    for row in (*rows, *gshadow):
        if row[0] == group:
            members = [member for member in row[3].split(",") if member]
            row[3] = ",".join([*members, *([] if user in members else [user])])
    return replace(files, group=_text(rows), gshadow=_text(gshadow))


def _names(*texts: str) -> list[str]:
    return sorted({row[0] for text in texts for row in _rows(text)})


def _rows(text: str) -> list[list[str]]:
    return [line.split(":") for line in text.splitlines() if line.strip()]


def _text(rows: Iterable[Sequence[str]]) -> str:
    return "".join(_line(row) for row in rows)


def _line(fields: Sequence[str]) -> str:
    return ":".join(fields) + "\n"
