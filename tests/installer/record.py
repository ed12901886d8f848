"""Makes the recording that a dry run of the wizard plays: `python -m tests.installer.record`.

It installs the test distribution's tree on a loop device, as a job, and takes the log of that. Only
names are changed: of the disk and of the place of the repository.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from engine.events import JobFinished
from installer.install import Install
from installer.installations import JobInstallations
from installer.log import read_line
from installer.replay import RECORDING
from installer.storage.loop import attach
from tests.composed import composed_tree
from tests.installer.kickstarts import HASH, PROJECT, planned

DISK, MEDIA = "/dev/sda", "/media/cdrom"
_MIB = 1024 * 1024


def record(folder: Path) -> str:
    """The recording's text: [seconds since the beginning, event] for each event, a line each."""
    tree = composed_tree()
    with (folder / "disk").open("w+b") as image:
        image.truncate(8192 * _MIB)
        device = attach(image.fileno(), image.name, 512)
    try:
        keys = {
            "ostree": {"default_repo": True, "path": str(tree.repo), "repo_ref": tree.ref},
            "disk": device.path,
            "hostname": "photon-host-def",
            "password": {"text": HASH, "crypted": True},
        }
        install = Install.of(planned(keys), None, folder / "log")
        attempt = JobInstallations(folder / "photree/jobs").start(install)
        outcome = attempt.follow(lambda _event: None, lambda: False)
        assert outcome is not None
        outcome.get()
    finally:
        device.detach()
    return _text(
        folder / "log", {device.path + "p": DISK, device.path: DISK, str(tree.repo): MEDIA}
    )


def _text(log: Path, names: dict[str, str]) -> str:
    lines = [read_line(line) for line in log.read_text().splitlines()]
    first = lines[0][0]
    rows = []
    for when, told in lines:
        event = JobFinished(ok=True) if isinstance(told, JobFinished) else told
        text = json.dumps({"event": type(event).__name__, **asdict(event)}, ensure_ascii=False)
        for old, new in names.items():
            text = text.replace(old, new)
        if "/dev/loop" in text or "/dev/vda" in text:
            continue  # of the machine that recorded
        rows.append(f"[{(when - first).total_seconds():.3f}, {text}]")
    return "[\n" + ",\n".join(rows) + "\n]\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="photree-record-") as name:
        (PROJECT / "installer" / RECORDING).write_text(record(Path(name)))
    sys.exit(0)
