"""A tree's RPM database: written by librpm itself, as one transaction that unpacks nothing.

librpm checks the transaction as it would an installation: dependencies, conflicts between
packages and between their files. It changes its root directory while it works, so it runs in a
process of its own (`engine.packages.rpmdb_worker`).
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rpm

from engine.command import Commands
from engine.errors import PackageError

DATABASE = "usr/share/rpm"
DATABASE_FILE = "rpmdb.sqlite"
_SHOWN_PROBLEMS = 10


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
    packages: Sequence[Path],
    removed: Sequence[int],
    folder: Path,
    commands: Commands,
    *,
    source_date_epoch: int,
    replace_files: bool = False,
) -> list[int]:
    """Like `write_database`, but folder has a database already, in DATABASE_FILE below DATABASE.

    packages: RPM files, or what is left of them after the payload was taken off. removed: the
    numbers of entries that go (librpm's `dbinstance`). replace_files: packages may have files that
    others have already.
    """
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
    source, bindings = Path(__file__).resolve().parents[2], Path(rpm.__file__).resolve().parents[1]
    output = commands.run(
        # without `site`, which takes as long as the work itself
        [sys.executable, "-P", "-S", "-m", "engine.packages.rpmdb_worker"],
        input=request.to_json(),
        env={
            "SOURCE_DATE_EPOCH": str(source_date_epoch),
            "PYTHONPATH": f"{source}:{bindings}",
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
