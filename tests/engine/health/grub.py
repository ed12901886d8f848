"""A disk with /boot that GRUB itself starts from: grub-emu, which is GRUB as a program.

Its menu is made from boot loader entries by the test distribution's generator. There is nothing to
start in grub-emu: `linux` says what it would have loaded.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[3]
UNITS = PROJECT / "engine/units"
_GENERATOR = PROJECT / "tests/distro/own/photon-bls-grub/root/usr/sbin/grub-mkconfig"
_ENTRY = """title Photon OS {version}
version {number}
linux /ostree/photon-{version}/vmlinuz
initrd /ostree/photon-{version}/initramfs.img
options root=UUID=1 ostree=/ostree/boot.1/photon/{version}/0
"""
_START = """
function linux { echo "@BOOTS@ $1"; exit; }
function initrd { true; }
source $prefix/menu.cfg
set timeout=0
"""


def generate_menu(folder: Path, *versions: str, counting: bool = True) -> str:
    """What the generator makes of entries for versions, the first one boots by default."""
    entries = folder / "loader.1/entries"
    entries.mkdir(parents=True, exist_ok=True)
    for number, version in enumerate(reversed(versions), start=1):
        entry = entries / f"ostree-{number}.conf"
        entry.write_text(_ENTRY.format(version=version, number=number))
    generator = folder / "grub-mkconfig"
    place = UNITS if counting else folder / "none"
    generator.write_text(_GENERATOR.read_text().replace("/usr/share/photree", str(place)))
    output = folder / "loader.1/grub.cfg"
    subprocess.run(["sh", str(generator), "-o", str(output)], check=True)
    return output.read_text()


class GrubDisk:
    """boot: where `mounted` shows the disk."""

    def __init__(self, folder: Path, menu: str, filesystem: str = "ext4") -> None:
        self._image = folder / "disk.img"
        self._devices = folder / "device.map"
        self._devices.write_text(f"(hd0) {self._image}\n")
        self.boot = folder / "boot"
        self.boot.mkdir()
        with self._image.open("wb") as file:
            file.truncate(320 << 20 if filesystem == "xfs" else 32 << 20)
        force = "-F" if filesystem == "ext4" else "-f"
        subprocess.run([f"mkfs.{filesystem}", "-q", force, str(self._image)], check=True)
        with self.mounted():
            (self.boot / "grub").mkdir()
            (self.boot / "grub/grub.cfg").write_text(_START)
            (self.boot / "grub/menu.cfg").write_text(menu)

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        subprocess.run(["mount", "-o", "loop", str(self._image), str(self.boot)], check=True)
        try:
            yield self.boot
        finally:
            subprocess.run(["umount", str(self.boot)], check=True)

    def start(self) -> str:
        """Let GRUB start the machine; the version of the deployment that it loads."""
        done = subprocess.run(
            ["grub-emu", "-m", str(self._devices), "-r", "hd0", "-d", "/grub"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
            env={"TERM": "dumb", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        found = re.findall(r"@BOOTS@ /ostree/photon-([^/]+)/", done.stdout)
        assert len(found) == 1, done.stdout + done.stderr
        return str(found[0])
