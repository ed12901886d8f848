"""The directories that a tree is made in."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from engine.overlay import OverlayTree

_CLEAR_TURNS, _CLEAR_SECONDS = 20, 0.1


@dataclass(frozen=True)
class Workplace:
    """The directories that a tree is made in, on its repository's file system. lower, a checkout,
    may stay from one time to the next; folder goes."""

    cachedir: Path

    @property
    def folder(self) -> Path:
        return self.cachedir / "work"

    @property
    def lower(self) -> Path:
        return self.cachedir / "lower"

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def mount_point(self) -> Path:
        return self.folder / "mount"

    @property
    def database(self) -> Path:
        return self.folder / "database"

    def make(self) -> None:
        """Empty directories; what a former run left goes first."""
        self.clear()
        self.folder.mkdir(parents=True, mode=0o700)
        for name in ("upper", "work", "mount", "var", "database"):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o755)

    def clear(self) -> None:
        """Remove folder. The programs of a killed sandbox may write for a moment longer."""
        for _turn in range(_CLEAR_TURNS):
            if not self.folder.exists():
                return
            with contextlib.suppress(OSError):
                shutil.rmtree(self.folder)
                return
            time.sleep(_CLEAR_SECONDS)
        shutil.rmtree(self.folder)

    def shared(self, name: str) -> Path:
        """A new empty directory to share with a sandbox."""
        folder = self.folder / f"shared-{name}"
        folder.mkdir()
        folder.chmod(0o755)
        return folder

    def tree(self, *below: Path) -> OverlayTree:
        """below: directories that lower covers partly."""
        return OverlayTree(self.lower, self.folder / "upper", self.folder / "work", below=below)
