"""The installer's private corner: mounts and temporary files that nobody else sees."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.command import Commands, SystemCommands
from engine.namespace import enter_private_mounts

# The same for every run: each has its own mount namespace, and dry runs show true paths.
WORKSPACE = Path("/run/photree/install")
# The jobs of installations, in the live system's memory; not below the workspace, which their
# processes hide from themselves by a mount.
JOBS = Path("/run/photree/installer/jobs")


@contextmanager
def private_workspace(commands: Commands) -> Iterator[Path]:
    """An empty directory in memory, for this process and its children only.

    It and all mounts made from now on vanish with the process, even when it is killed.
    Raises OstreeError without root, CommandError.
    """
    enter_private_mounts()
    os.umask(0o022)  # what the steps make must not depend on who calls
    WORKSPACE.mkdir(parents=True, exist_ok=True)
    commands.run(["mount", "-t", "tmpfs", "-o", "mode=0700", "photree", str(WORKSPACE)])
    try:
        yield WORKSPACE
    finally:
        # Without events: the job's end was reported already.
        SystemCommands().run(["umount", "--lazy", str(WORKSPACE)], accept=(0, 1, 32))
