"""The real doors: this machine's programs, disks, files and libostree."""

from __future__ import annotations

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.events import Emit
from installer.doors import Doors
from installer.files import HostFiles
from installer.probe import probe_machine
from installer.storage.disks import SystemDisks
from installer.trees import OstreeTrees


def system_doors(emit: Emit, cancel: CancelToken) -> Doors:
    """Doors to the machine we run on; cancel ends whatever goes through them, but cleanup."""
    commands = SystemCommands(emit, cancel)
    return Doors(
        commands=commands,
        cleanup=SystemCommands(emit),
        probe=lambda: probe_machine(commands),
        disks=SystemDisks(cancel),
        trees=OstreeTrees(commands, cancel),
        open_files=lambda tree: HostFiles(tree.deployment, tree.var),
    )
