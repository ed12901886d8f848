"""The packages that a commit's tree is made of, as the rpm database in it has them.

librpm and libsolv read it from a copy: the repository's objects stay untouched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rpm

from engine.committed_file import copy_object, file_object
from engine.errors import PackageError
from engine.packages.rpmdb import DATABASE, DATABASE_FILE
from engine.packages.rpmfile import RpmHeader, reading_transaction
from engine.repo import Repo

_PLACES = (DATABASE, "usr/lib/sysimage/rpm")


@dataclass(frozen=True)
class BaseDatabase:
    """A copy of a commit's database. folder: has the database file, and nothing that anybody else
    uses. place: the folder in the tree. checksum: of the object in the repository. packages: in
    the database's order; they outlive the copy."""

    folder: Path
    place: str
    checksum: str
    packages: tuple[RpmHeader, ...]

    @classmethod
    def of(cls, repo: Repo, commit: str, folder: Path) -> BaseDatabase:
        """Copy the commit's database to folder (made when missing) and read it.

        Raises PackageError when the commit has none, or one that librpm cannot read.
        """
        found = {place: file_object(repo, commit, f"{place}/{DATABASE_FILE}") for place in _PLACES}
        place = next((place for place, checksum in found.items() if checksum is not None), "")
        checksum = found.get(place)
        if checksum is None:
            raise PackageError(
                f"The commit {commit[:10]} has no rpm database ({DATABASE}/{DATABASE_FILE}).",
                "Packages can only be layered on trees that were made of RPM packages.",
            )
        folder.mkdir(parents=True, exist_ok=True)
        copy_object(repo, checksum, folder / DATABASE_FILE)
        with database_folder(folder):
            try:
                headers = tuple(RpmHeader(header) for header in _headers())
            except rpm.error as error:
                raise PackageError(
                    f"The rpm database of the commit {commit[:10]} cannot be read: {error}."
                ) from error
        # keys that were imported for signatures have entries too
        packages = tuple(each for each in headers if each.name != "gpg-pubkey")
        return cls(folder, place, checksum, packages)

    def named(self, name: str) -> tuple[RpmHeader, ...]:
        """The packages of this name, usually one or none."""
        return tuple(package for package in self.packages if package.name == name)


@contextmanager
def database_folder(folder: Path) -> Iterator[None]:
    """Let librpm in this process, and libsolv with it, take folder's rpm database for the
    system's."""
    macros = {"_dbpath": str(folder.absolute()).replace("%", "%%"), "_db_backend": "sqlite"}
    for name, value in macros.items():
        rpm.addMacro(name, value)
    try:
        yield
    finally:
        for name in macros:
            rpm.delMacro(name)


def _headers() -> list[Any]:
    transaction = reading_transaction()
    try:
        return list(transaction.dbMatch())
    finally:
        transaction.closeDB()
