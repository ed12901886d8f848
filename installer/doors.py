"""The doors between the steps and the world. A run has either the real ones or the dry ones
(`installer.dry`), chosen once at the top; no step knows which. The real ones are made by
`installer.system`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.command import Commands
from engine.events import Emit
from installer.accounts import AccountFiles
from installer.plan import Remote, Source, TableType
from installer.probe import Machine
from installer.storage.geometry import Span


class Disks(Protocol):
    """Images and partition tables; `installer.storage.disks` has the contracts."""

    def attach(self, image: Path, size: int, sector_size: int) -> str: ...
    def detach(self, image: Path) -> None: ...
    def publish(self, image: Path) -> None: ...
    def write_table(self, device: str, table: TableType, spans: Sequence[Span]) -> None: ...
    def await_nodes(self, device: str, spans: Sequence[Span], sector_size: int) -> None: ...


class Files(Protocol):
    """Files of the installed machine, under the names they have there; `installer.files` has the
    contracts."""

    def write(
        self, path: str, content: str | bytes, mode: int = 0o644, owner: str = "root"
    ) -> None: ...
    def edit(
        self, path: str, change: Callable[[str], str], why: str, mode: int = 0o644
    ) -> None: ...
    def change_accounts(self, change: Callable[[AccountFiles], AccountFiles], why: str) -> None: ...
    def make_directory(self, path: str, mode: int = 0o755, owner: str = "root") -> None: ...
    def link(self, path: str, target: str) -> None: ...
    def copy(self, source: Path, path: str) -> None: ...
    def read(self, path: str) -> str: ...
    def exists(self, path: str) -> bool: ...
    def real_path(self, path: str) -> str: ...


@dataclass(frozen=True)
class Tree:
    """A deployed tree. deployment: its directory; var: what becomes /var; both on the target."""

    commit: str
    version: str
    deployment: Path
    var: Path


class Trees(Protocol):
    """OSTree operations on the target's sysroot; `installer.trees` has the contracts."""

    def initialise(self, sysroot: Path, osname: str) -> None: ...
    def add_remote(self, sysroot: Path, remote: Remote) -> None: ...
    def pull(self, sysroot: Path, source: Source, url: str, emit: Emit) -> str: ...
    def deploy(
        self, sysroot: Path, source: Source, commit: str, kernel_arguments: Sequence[str]
    ) -> Tree: ...
    def locate_repository(self, folder: Path) -> Path: ...


@dataclass(frozen=True)
class Doors:
    """cleanup: commands that run after a cancellation too, for releasing what was taken.
    probe: the machine's facts, anew at each call. open_files: the files of a deployed tree.
    download: a URL into a new file; raises NetworkError. is_installed: whether commands has a
    program."""

    commands: Commands
    cleanup: Commands
    probe: Callable[[], Machine]
    disks: Disks
    trees: Trees
    open_files: Callable[[Tree], Files]
    download: Callable[[str, Path], None]
    is_installed: Callable[[str], bool]
