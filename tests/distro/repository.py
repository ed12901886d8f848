"""RPM repositories on disk: hard links to built packages, and createrepo_c's metadata."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from engine.command import Commands


def place(file: Path, folder: Path) -> Path:
    """Hardlink file into folder; copy it when the two are on different file systems."""
    target = folder / file.name
    try:
        target.hardlink_to(file)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copy2(file, target)
    return target


def make_repository(
    packages: Iterable[Path], folder: Path, commands: Commands, similar: Path | None = None
) -> Path:
    """Fill an empty or new folder with packages and their metadata.

    similar: a repository whose metadata is reused for the files they share.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        place(package, folder)
    write_metadata(folder, commands, similar)
    return folder


def write_metadata(folder: Path, commands: Commands, similar: Path | None = None) -> None:
    """(Re)write repodata for the packages that are in folder."""
    reuse = ["--update"] if similar is not None or (folder / "repodata").exists() else []
    if similar is not None:
        reuse += ["--update-md-path", str(similar)]
    workers = str(os.cpu_count() or 1)
    commands.run(
        ["createrepo_c", "--quiet", "--no-database", "--workers", workers, *reuse, str(folder)]
    )
