"""The memory of a whole unattended installation on a disk image."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.bench.timing import peak_memory
from tests.composed import ComposedTree


def installer_peak(tree: ComposedTree, folder: Path) -> int:
    """Bytes: the most that the installer and everything it started used at one time."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "repo").symlink_to(tree.repo)
    kickstart = folder / "kickstart.json"
    values = {
        "ostree": {"default_repo": True},
        "disks": {"default": {"filename": str(folder / "disk.img"), "size": 4096}},
        "hostname": "measured",
    }
    kickstart.write_text(json.dumps(values))
    program = Path(".venv/bin/photree-installer")
    arguments = ["--kickstart", kickstart, "--media", folder, "--log", folder / "log"]
    try:
        with subprocess.Popen(
            [program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            peak = peak_memory(process)
        assert process.returncode == 0, (folder / "log").read_text()
        return peak
    finally:
        shutil.rmtree(folder)
