"""A tree's RPM database: written by librpm itself, as one transaction that unpacks nothing.

librpm checks the transaction as it would an installation: dependencies, conflicts between
packages and between their files. It changes its root directory while it works, so it runs in a
process of its own (this module as a program).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rpm

from engine.command import Commands
from engine.errors import PackageError

DATABASE = "usr/share/rpm"
DATABASE_FILE = "rpmdb.sqlite"
_SHOWN_PROBLEMS = 10
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def write_database(
    packages: Sequence[Path],
    folder: Path,
    commands: Commands,
    *,
    source_date_epoch: int,
) -> list[int]:
    """Check packages as one installation into nothing, and record them as installed.

    folder: an empty directory; the database will be in DATABASE below it. Returns the indices of
    packages in the order of installation. source_date_epoch: the time of installation, in seconds
    since 1970. Same packages in the same order, same bytes.
    Raises PackageError with every problem that librpm finds.
    """
    request = _Request(folder, packages)
    hint = "Change the packages in the treefile."
    return _run(request, commands, source_date_epoch, hint)


def change_database(
    base: Path,
    packages: Sequence[Path],
    removed: Sequence[int],
    folder: Path,
    commands: Commands,
    *,
    source_date_epoch: int,
    replace_files: bool = False,
) -> list[int]:
    """Like `write_database`, beginning with the packages of another database.

    base: a database file, of which a copy is changed. packages: RPM files, or what is left of
    them after the payload was taken off. removed: the numbers of entries that go (librpm's
    `dbinstance`). replace_files: packages may have files that others have already.
    """
    (folder / DATABASE).mkdir(parents=True)
    shutil.copyfile(base, folder / DATABASE / DATABASE_FILE)
    filters = rpm.RPMPROB_FILTER_OLDPACKAGE
    if replace_files:
        filters |= rpm.RPMPROB_FILTER_REPLACEOLDFILES | rpm.RPMPROB_FILTER_REPLACENEWFILES
    request = _Request(folder, packages, removed, filters)
    return _run(request, commands, source_date_epoch, "They cannot be in one tree.")


@dataclass(frozen=True)
class _Request:
    """accepted: librpm's bits of problems that are none, beside those of disk space."""

    folder: Path
    packages: Sequence[Path]
    removed: Sequence[int] = ()
    accepted: int = 0

    def to_json(self) -> str:
        return json.dumps(
            {
                "root": str(self.folder.absolute()),
                "packages": [str(path.absolute()) for path in self.packages],
                "removed": list(self.removed),
                "accepted": self.accepted,
                "parent": os.getpid(),
            }
        )


def _run(request: _Request, commands: Commands, source_date_epoch: int, hint: str) -> list[int]:
    source = str(Path(__file__).resolve().parents[2])
    output = commands.run(
        [sys.executable, "-P", "-m", "engine.packages.rpmdb"],
        input=request.to_json(),
        env={
            "SOURCE_DATE_EPOCH": str(source_date_epoch),
            "PYTHONPATH": source,
            "HOME": str(request.folder.absolute()),
        },
        quiet=True,
    )
    reply = json.loads(output.stdout)
    if reply["problems"]:
        problems = reply["problems"]
        more = len(problems) - _SHOWN_PROBLEMS
        raise PackageError(
            f"The packages do not fit together: {'; '.join(problems[:_SHOWN_PROBLEMS])}"
            + (f"; and {more} more." if more > 0 else "."),
            hint,
            "\n".join(problems),
        )
    _close(request.folder / DATABASE)
    return [int(index) for index in reply["order"]]


def _close(database: Path) -> None:
    """Fold the write-ahead log into the database: it must be readable where nothing can be
    written, and have the same bytes each time."""
    file = database / DATABASE_FILE
    if not file.exists():
        raise PackageError(
            f"librpm wrote no {DATABASE_FILE}.", "Use an rpm with the sqlite database backend."
        )
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    for left in database.iterdir():
        if left.name != DATABASE_FILE:
            left.unlink()


def _main() -> None:
    """Read a request from standard input, answer on standard output."""
    request = json.load(sys.stdin)
    if not _ends_with(request["parent"]):
        return
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # librpm prints where it likes
    json.dump(_transaction(request), answer)
    answer.close()


def _ends_with(parent: int) -> bool:
    """Be killed when the parent is: its next run has its database in the same place. Returns
    whether the parent still lives."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def _transaction(request: dict[str, Any]) -> dict[str, Any]:
    os.umask(0o022)
    root, packages = Path(request["root"]), request["packages"]
    (root / DATABASE).mkdir(parents=True, exist_ok=True)
    rpm.addMacro("_dbpath", f"/{DATABASE}")
    rpm.addMacro("_db_backend", "sqlite")
    # packages of both word sizes are not told apart, as on hosts of one architecture
    rpm.addMacro("_transaction_color", "0")
    transaction = rpm.TransactionSet(str(root))
    transaction.setVSFlags(rpm._RPMVSF_NODIGESTS | rpm._RPMVSF_NOSIGNATURES)
    transaction.setVfyLevel(0)
    transaction.setFlags(
        rpm.RPMTRANS_FLAG_JUSTDB | rpm.RPMTRANS_FLAG_NOSCRIPTS | rpm.RPMTRANS_FLAG_NOTRIGGERS
    )
    transaction.setProbFilter(
        rpm.RPMPROB_FILTER_DISKSPACE | rpm.RPMPROB_FILTER_DISKNODES | request["accepted"]
    )
    for path in packages:
        with open(path, "rb") as file:  # noqa: PTH123 - librpm wants the descriptor
            transaction.addInstall(transaction.hdrFromFdno(file), path, "i")
    for number in request["removed"]:
        transaction.addErase(number)
    transaction.check()
    transaction.order()
    places = {path: index for index, path in enumerate(packages)}
    order = [places[element.Key()] for element in transaction if element.Key() in places]
    opened = {path: os.open(path, os.O_RDONLY) for path in packages}  # the root changes in run()
    problems = transaction.run(_callback(opened), "")
    transaction.closeDB()
    for descriptor in opened.values():
        os.close(descriptor)
    return {"order": order, "problems": sorted({str(text) for text, _ in problems or ()})}


def _callback(opened: dict[str, int]) -> Any:
    def called(what: int, _amount: int, _total: int, key: Any, _data: Any) -> int | None:
        if what == rpm.RPMCALLBACK_INST_OPEN_FILE:
            return os.dup(opened[key])
        return None

    return called


if __name__ == "__main__":
    _main()
