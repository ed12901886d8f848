"""Read the configuration again, and say what is wrong with it.

There is no service that could keep an old state: every command reads the system root and the
configuration as they are. So `photree reload` is for scripts that end with `rpm-ostree reload`, and
for those who have just changed a file: it reads the deployments with their origins, the remotes,
/etc/photree.conf and /etc/rpm-ostreed.conf, and names every mistake. As root it also removes what
transactions have left that were broken off before they began.

  photree reload

Exit codes: 0 everything can be read, 1 there is a mistake.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from engine.errors import PlanError
from tui.jobs import open_store
from tui.options import add_sysroot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sysroot(parser)


def run(options: argparse.Namespace) -> int:
    from engine.remotes import list_remotes  # noqa: PLC0415 - loads libostree
    from engine.sysroot import Sysroot  # noqa: PLC0415
    from engine.updates.configuration import read_settings  # noqa: PLC0415

    sysroot = Sysroot.load(options.sysroot)
    list_remotes(sysroot.repo)
    store = open_store(options.sysroot)
    root = Path("/") if sysroot.is_booted else sysroot.deployments[0].path
    problems = read_settings(root).problems
    if problems:
        raise PlanError("The configuration has mistakes.", problems, "Correct these lines.")
    removed = store.tidy() if os.geteuid() == 0 else 0
    if removed:
        sys.stdout.write(f"Removed {removed} unfinished transaction(s).\n")
    return 0
