"""The machine's disks as somebody chooses among them: what each is, what is on it, and what keeps
it from being used."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from installer.draft import Draft
from installer.plan import Disk, Storage
from installer.probe import BlockDevice, Machine
from installer.sizes import size_text
from installer.storage.layout import DEFAULT_DISK
from installer.storage.refusals import device_refusals

GONE = "it is not there any more"
_IN_MEMORY = ("/dev/ram", "/dev/zram")
_MANY = 4  # parts of a disk that are named one by one


@dataclass(frozen=True)
class DiskChoice:
    """path: of its node. contents: what will be lost. refused: why it cannot be used, "" if it
    can."""

    path: str
    title: str
    contents: str
    refused: str = ""


@dataclass(frozen=True)
class Survey:
    """The disks of a machine at one moment. least: what a single disk must have room for; whether
    several of them suffice is seen with their partitions. source: as in `disk_choices`."""

    machine: Machine
    least: Storage
    source: Path | None = None

    def choices(self, wanted: Iterable[str] = (), *, several: bool = False) -> list[DiskChoice]:
        """wanted: disks that were chosen before; they are listed even when they are gone."""
        storage = Storage((), ()) if several else self.least
        there = disk_choices(self.machine, storage, self.source)
        missing = set(wanted) - {choice.path for choice in there}
        return [*there, *(DiskChoice(path, path, "", GONE) for path in sorted(missing))]


def disk_choices(
    machine: Machine, storage: Storage, source: Path | None = None
) -> tuple[DiskChoice, ...]:
    """All disks, those that can be used first.

    storage: its default disk's partitions must have room. source: what is installed from, where it
    is mounted; None for the network.
    """
    disks = [disk for disk in machine.disks if _is_disk(disk)]
    choices = [_choice(disk, machine, source, storage) for disk in disks]
    return tuple(sorted(choices, key=lambda choice: bool(choice.refused)))


def chosen_disks(draft: Draft, machine: Machine) -> tuple[str, ...]:
    """The nodes of a draft's devices; names that lead nowhere as they are. Images are none."""
    return tuple(machine.resolve(name) for name in devices_of(draft).values())


def source_path(draft: Draft, media: Path | None) -> Path | None:
    """Where the tree is installed from, as far as that is a place in the file system."""
    if draft.get("ostree", "repo_url") is not None:
        return None
    given = draft.get("ostree", "path")
    return Path(given) if isinstance(given, str) and given.startswith("/") else media


def with_disks(draft: Draft, paths: Sequence[str], machine: Machine) -> Draft:
    """The draft with these devices as its disks; those it had keep their ids and their names."""
    if set(paths) == set(chosen_disks(draft, machine)):
        return draft
    if not paths:
        return draft.without("disk", "disks")
    former = {machine.resolve(name): (id, name) for id, name in devices_of(draft).items()}
    kept = {path: former[path] for path in paths if path in former}
    free = _free_ids({id for id, _ in kept.values()})
    named = dict(kept.get(path) or (next(free), path) for path in paths)
    if DEFAULT_DISK not in named:
        named = _with_default(named)
    if len(named) == 1:
        return draft.without("disks").with_value(named[DEFAULT_DISK], "disk")
    ordered = sorted(named.items(), key=lambda item: item[0] != DEFAULT_DISK)
    disks = {id: {"device": name} for id, name in ordered}
    return draft.without("disk").with_value(disks, "disks")


def devices_of(draft: Draft) -> dict[str, str]:
    """The names of a draft's devices by their ids, as far as they are names."""
    single = draft.get("disk")
    if isinstance(single, str):
        return {DEFAULT_DISK: single}
    disks = draft.get("disks", default={})
    if not isinstance(disks, Mapping):
        return {}
    named: dict[str, Any] = {
        id: keys.get("device") for id, keys in disks.items() if isinstance(keys, Mapping)
    }
    return {id: name for id, name in named.items() if isinstance(name, str)}


def content_text(device: BlockDevice) -> str:
    """What is on a disk in a few words: its table, then name, format and size of the partitions."""
    parts = [_part(part) for part in device.partitions]
    if len(parts) > _MANY:
        parts[_MANY - 1 :] = [f"and {len(parts) - _MANY + 1} more"]
    table = f"{device.table} table" if device.table else ""
    if parts:
        return f"{table or 'partitions'}: {', '.join(parts)}"
    if device.filesystem:
        return " ".join(filter(None, (device.filesystem, device.label)))
    return f"{table}, no partitions" if table else "empty"


def _is_disk(device: BlockDevice) -> bool:
    return device.kind == "disk" and device.size > 0 and not device.path.startswith(_IN_MEMORY)


def _choice(
    device: BlockDevice, machine: Machine, source: Path | None, storage: Storage
) -> DiskChoice:
    disk = Disk(DEFAULT_DISK, device=Path(device.path))
    medium = str(source) if source else ""
    reasons = [each.message for each in device_refusals(storage, disk, machine, medium)]
    kind = " ".join(filter(None, (device.model, f"({device.transport})" * bool(device.transport))))
    title = "  ".join(filter(None, (device.path, size_text(device.size), kind)))
    return DiskChoice(device.path, title, content_text(device), "; ".join(_few(reasons)))


def _few(reasons: Sequence[str]) -> Iterator[str]:
    """As parts of a sentence: those without a subject are about the disk itself."""
    yield from (each if each.startswith("/") else f"it {each}" for each in reasons[:2])
    if len(reasons) > 2:
        yield f"and {len(reasons) - 2} more"


def _part(part: BlockDevice) -> str:
    name = part.path.removeprefix("/dev/")
    return " ".join(
        filter(None, (name, part.filesystem or "unknown", part.label, size_text(part.size)))
    )


def _free_ids(taken: set[str]) -> Iterator[str]:
    """default, disk2, disk3, ... without those that are taken."""
    ids = itertools.chain([DEFAULT_DISK], (f"disk{number}" for number in itertools.count(2)))
    return (id for id in ids if id not in taken)


def _with_default(named: dict[str, str]) -> dict[str, str]:
    """The first disk takes the place of the one that is gone."""
    first = next(iter(named))
    return {DEFAULT_DISK if id == first else id: name for id, name in named.items()}
