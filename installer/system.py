"""The real doors: this machine's programs, disks, files and libostree."""

from __future__ import annotations

from pathlib import Path

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.events import Emit
from engine.packages.repofiles import RepositoryConfig
from installer.doors import Doors
from installer.files import HostFiles
from installer.probe import probe_machine
from installer.storage.disks import SystemDisks
from installer.storage.programs import is_installed
from installer.trees import OstreeTrees


def system_doors(emit: Emit, cancel: CancelToken) -> Doors:
    """Doors to the machine we run on; cancel ends whatever goes through them, but cleanup."""
    commands = SystemCommands(emit, cancel)
    return Doors(
        commands=commands,
        cleanup=SystemCommands(emit),
        probe=lambda: probe_machine(commands),
        disks=SystemDisks(cancel),
        trees=OstreeTrees(cancel),
        open_files=lambda tree: HostFiles(tree.deployment, tree.var),
        download=lambda url, place: _download(url, place, emit, cancel),
        is_installed=is_installed,
    )


def _download(url: str, place: Path, emit: Emit, cancel: CancelToken) -> None:
    from engine.packages.transport import Transport  # noqa: PLC0415 - requests costs 100 ms

    def once() -> None:
        with transport.open(url) as body, place.open("wb") as file:
            for chunk in body.chunks:
                file.write(chunk)

    with Transport(RepositoryConfig("additional_files", ()), cancel, emit) as transport:
        transport.patiently(once)
