"""Facts about the machine the installer runs on: its disks, what holds them, its firmware.

Facts are gathered once, as the raw text of the programs and files they come from (a recording),
and read by `machine_from`. Dry runs and tests bring a recording of another machine.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.command import Commands
from engine.errors import CommandError, PlanError, Problem

LSBLK_COLUMNS = (
    "NAME,PATH,TYPE,SIZE,RO,RM,FSTYPE,LABEL,PTTYPE,MOUNTPOINTS,LOG-SEC,OPT-IO,MODEL,SERIAL,TRAN"
)
Recording = Mapping[str, Any]


@dataclass(frozen=True)
class BlockDevice:
    """A node of lsblk's tree. size in bytes, sector_size and optimal_io too (0: not told).

    kind is lsblk's type: disk, part, loop, rom, lvm, crypt, raid1, mpath, dm …
    volume_group: the LVM group this is a physical volume of. claimed: the kernel refuses an
    exclusive open, so something holds it even when nothing else here says what.
    """

    path: str
    kind: str
    size: int
    sector_size: int = 512
    optimal_io: int = 0
    read_only: bool = False
    removable: bool = False
    filesystem: str = ""
    label: str = ""
    table: str = ""
    model: str = ""
    serial: str = ""
    transport: str = ""
    mountpoints: tuple[str, ...] = ()
    swap: bool = False
    volume_group: str = ""
    backing_file: str = ""
    claimed: bool = False
    children: tuple[BlockDevice, ...] = ()

    def walk(self) -> Iterator[BlockDevice]:
        """This device and everything on top of it."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def partitions(self) -> tuple[BlockDevice, ...]:
        return tuple(child for child in self.children if child.kind == "part")


@dataclass(frozen=True)
class Machine:
    """disks: the top of lsblk's tree. links: other names of a device (/dev/disk/by-*) and the
    node they lead to. udev: a device manager runs and has to be waited for."""

    disks: tuple[BlockDevice, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    efi: bool = False
    udev: bool = False

    def resolve(self, path: str) -> str:
        """The device node a name leads to; the name itself when it is no link we know."""
        return self.links.get(path, path)

    def find(self, path: str) -> BlockDevice | None:
        """The device of that name, whole disk or not."""
        node = self.resolve(path)
        return next((device for device in self._walk() if device.path == node), None)

    def parent_disk(self, path: str) -> BlockDevice | None:
        """The whole disk that carries the device of that name."""
        node = self.resolve(path)
        for disk in self.disks:
            if any(device.path == node for device in disk.walk()):
                return disk
        return None

    def holding(self, file: str) -> BlockDevice | None:
        """The whole disk whose mounted file system the path lies on; None for memory and network.

        The deepest mount point above the path decides.
        """
        best: tuple[int, BlockDevice] | None = None
        for disk in self.disks:
            for device in disk.walk():
                for mountpoint in device.mountpoints:
                    depth = len(mountpoint.rstrip("/"))
                    inside = file == mountpoint or file.startswith(mountpoint.rstrip("/") + "/")
                    if inside and (best is None or depth > best[0]):
                        best = (depth, disk)
        return best[1] if best else None

    def _walk(self) -> Iterator[BlockDevice]:
        for disk in self.disks:
            yield from disk.walk()


def read_recording(file: Path) -> Machine:
    """A machine recorded by `photree-installer facts`. Raises PlanError."""
    try:
        return machine_from(json.loads(file.read_text()))
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = "is not what `photree-installer facts` writes"
    raise PlanError("The machine is not known.", [Problem(str(file), reason)])


def probe_machine(commands: Commands) -> Machine:
    """The facts of the machine we run on. Reads only. Raises CommandError when lsblk fails.

    Without root some facts are missing: file systems where no udev runs, LVM groups, claims.
    (lsblk itself knows file systems from udev only.)
    """
    return machine_from(record_machine(commands))


def record_machine(commands: Commands) -> dict[str, Any]:
    """The raw material of `machine_from`, fit for JSON."""
    lsblk = commands.run(
        ["lsblk", "--json", "--bytes", "--output", LSBLK_COLUMNS], quiet=True
    ).stdout
    tree = json.loads(lsblk)
    udev = Path("/run/udev/control").exists()
    return {
        "lsblk": tree,
        "signatures": {} if udev else _record_signatures(commands, tree["blockdevices"]),
        "pvs": _record_volume_groups(commands),
        "swaps": _read("/proc/swaps"),
        "links": _record_links(Path("/dev")),
        "backing_files": _record_backing_files(),
        "claimed": _record_claims(tree["blockdevices"]),
        "efi": Path("/sys/firmware/efi").is_dir(),
        "udev": udev,
    }


def machine_from(recording: Recording) -> Machine:
    """Read a recording (see `record_machine`). Missing keys mean: nothing of that kind."""
    groups = {
        row["pv_name"]: row["vg_name"]
        for report in recording.get("pvs", {}).get("report", ())
        for row in report.get("pv", ())
    }
    reader = _Reader(
        groups=groups,
        swaps=frozenset(
            line.split()[0] for line in recording.get("swaps", "").splitlines()[1:] if line.split()
        ),
        signatures={
            path: dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
            for path, text in recording.get("signatures", {}).items()
        },
        backing_files=recording.get("backing_files", {}),
        claimed=frozenset(recording.get("claimed", ())),
    )
    return Machine(
        disks=tuple(reader.device(row) for row in recording["lsblk"]["blockdevices"]),
        links=dict(recording.get("links", {})),
        efi=bool(recording.get("efi", False)),
        udev=bool(recording.get("udev", False)),
    )


@dataclass(frozen=True)
class _Reader:
    groups: Mapping[str, str]
    swaps: frozenset[str]
    signatures: Mapping[str, Mapping[str, str]]
    backing_files: Mapping[str, str]
    claimed: frozenset[str]

    def device(self, row: Mapping[str, Any]) -> BlockDevice:
        path = str(row["path"])
        found = self.signatures.get(path, {})
        mountpoints = [point for point in row.get("mountpoints") or () if point]
        return BlockDevice(
            path=path,
            kind=str(row["type"]),
            size=int(row.get("size") or 0),
            sector_size=int(row.get("log-sec") or 512),
            optimal_io=int(row.get("opt-io") or 0),
            read_only=bool(row.get("ro")),
            removable=bool(row.get("rm")),
            filesystem=row.get("fstype") or found.get("TYPE", ""),
            label=row.get("label") or found.get("LABEL", ""),
            table=row.get("pttype") or found.get("PTTYPE", ""),
            model=(row.get("model") or "").strip(),
            serial=(row.get("serial") or "").strip(),
            transport=row.get("tran") or "",
            mountpoints=tuple(point for point in mountpoints if point != "[SWAP]"),
            swap="[SWAP]" in mountpoints or path in self.swaps,
            volume_group=self.groups.get(path, ""),
            backing_file=self.backing_files.get(path, ""),
            claimed=path in self.claimed,
            children=tuple(self.device(child) for child in row.get("children") or ()),
        )


def _record_signatures(commands: Commands, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Device -> what blkid finds on it, as NAME=value lines; nothing where it may not look."""
    found = {}
    for row in rows:
        if row["type"] in ("disk", "loop", "part") and row["size"]:
            path = str(row["path"])
            argv = ["blkid", "--probe", "--output", "export", path]
            found[path] = commands.run(argv, accept=(0, 1, 2, 4, 8), quiet=True).stdout
        found |= _record_signatures(commands, row.get("children") or ())
    return found


def _record_volume_groups(commands: Commands) -> Any:
    """`pvs` as JSON; empty where there is no LVM."""
    argv = ["pvs", "--reportformat", "json", "--options", "pv_name,vg_name"]
    try:
        output = commands.run(argv, quiet=True).stdout
    except CommandError:
        return {}
    return json.loads(output or "{}")


def _record_links(dev: Path) -> dict[str, str]:
    links = sorted(dev.glob("disk/by-*/*")) + sorted(dev.glob("mapper/*"))
    return {str(link): os.path.realpath(link) for link in links if link.is_symlink()}


def _record_backing_files() -> dict[str, str]:
    """Loop device -> the file behind it."""
    return {
        f"/dev/{path.parent.parent.name}": path.read_text().strip()
        for path in Path("/sys/block").glob("loop*/loop/backing_file")
    }


def _record_claims(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Disks that the kernel does not give away: O_EXCL on a block device fails with EBUSY while
    it, or a partition of it, is mounted (in any namespace), swap, or part of md, dm, bcache …"""
    disks = [str(row["path"]) for row in rows if row["type"] in ("disk", "loop") and row["size"]]
    return [path for path in disks if _is_claimed(path)]


def _is_claimed(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as error:
        return error.errno == errno.EBUSY
    return False


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
