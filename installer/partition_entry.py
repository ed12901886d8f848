"""A partition as the fields of a form have it: text, and what is meant by it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from installer.draft import Remark
from installer.rules import Broken
from installer.sizes import Portion, read_portion
from installer.storage.layout import DEFAULT_DISK

_SOME_MB = 1024
NEW: Mapping[str, Any] = {"filesystem": "ext4"}


@dataclass(frozen=True)
class PartitionEntry:
    """subvolumes: "name=/mount/point, other" (see `read_subvolumes`)."""

    mountpoint: str = ""
    size: str = ""
    filesystem: str = "ext4"
    disk: str = DEFAULT_DISK
    label: str = ""
    options: str = ""
    subvolumes: str = ""
    volume_group: str = ""
    logical_volume: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> PartitionEntry:
        """Of a partition's keys in a kickstart; what is nonsense there is empty here."""
        options = row.get("fs_options", "")
        portion, lvm = Portion.of(row), _map(row.get("lvm"))
        point = _text(row.get("mountpoint"))
        usual = "vfat" if point == "/boot/efi" else "ext4"
        return cls(
            mountpoint=point,
            size="" if portion is None else str(portion),
            filesystem=_text(row.get("filesystem")) or usual,
            disk=_text(row.get("disk_id")) or DEFAULT_DISK,
            label=_text(row.get("label")),
            options=",".join(options) if isinstance(options, list) else _text(options),
            subvolumes=subvolumes_text(_map(row.get("btrfs")).get("subvols")),
            volume_group=_text(lvm.get("vg_name")),
            logical_volume=_text(lvm.get("lv_name")),
        )

    def put_into(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Remark, ...]]:
        """The keys with what the form changed, and why some fields cannot be understood.

        Keys that the form does not show stay as they are, as do those whose fields were not
        touched. The remarks' paths begin at the partition.
        """
        former = PartitionEntry.of(row)
        changed = {
            each.name
            for each in fields(self)
            if getattr(self, each.name) != getattr(former, each.name)
        }
        keys = copy.deepcopy(dict(row))
        remarks: list[Remark] = []
        for name, key in _PLAIN.items():
            if name in changed:
                _set(keys, key, getattr(self, name))
        if "size" in changed or Portion.of(row) is None:
            remarks += self._put_size(keys)
        if self.filesystem == "btrfs" and "subvolumes" in changed:
            remarks += self._put_subvolumes(keys)
        if {"volume_group", "logical_volume"} & changed:
            lvm = {"vg_name": self.volume_group, "lv_name": self.logical_volume}
            _set(keys, "lvm", {key: value for key, value in lvm.items() if value})
        if self.filesystem == "swap":
            keys.pop("mountpoint", None)
        if self.filesystem != "btrfs":
            keys.pop("btrfs", None)
        return keys, tuple(remarks)

    def _put_size(self, keys: dict[str, Any]) -> Iterable[Remark]:
        portion = read_portion(self.size)
        if isinstance(portion, Broken):
            yield Remark(("size",), *portion)
            return
        keys.pop("size", None)
        keys.pop("sizepercent", None)
        keys.update(portion.keys)

    def _put_subvolumes(self, keys: dict[str, Any]) -> Iterable[Remark]:
        subvolumes = read_subvolumes(self.subvolumes)
        if isinstance(subvolumes, Broken):
            yield Remark(("btrfs",), *subvolumes)
            return
        btrfs = _map(keys.get("btrfs"))
        _set(btrfs, "subvols", subvolumes)
        _set(keys, "btrfs", btrfs)


_PLAIN = {
    "mountpoint": "mountpoint",
    "filesystem": "filesystem",
    "disk": "disk_id",
    "label": "label",
    "options": "fs_options",
}


def judgeable(keys: Mapping[str, Any]) -> Mapping[str, Any]:
    """With some size where there is none yet, so that the rest can be judged already."""
    return keys if Portion.of(keys) is not None else {**keys, "size": _SOME_MB}


def read_subvolumes(text: str) -> list[dict[str, Any]] | Broken:
    """ "root=/, var/log=/var/log, spare": names, those in another one with its name in front, and
    where each is mounted. The form is that of a kickstart: each has the ones in it."""
    top: list[dict[str, Any]] = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, point = (part.strip() for part in item.partition("="))
        steps = [step.strip() for step in name.split("/")]
        if not all(steps):
            hint = 'write a name, or name=/mount/point, such as "home=/home"'
            return Broken("must have a name for each subvolume", hint)
        siblings = top
        for step in steps[:-1]:
            parent = _named(siblings, step)
            if parent is None:
                siblings.append(parent := {"name": step})
            siblings = parent.setdefault("subvols", [])
        same = _named(siblings, steps[-1])
        if same is not None:
            return Broken(f'must name "{name}" once, and before those in it')
        siblings.append({"name": steps[-1], **({"mountpoint": point} if point else {})})
    return top


def subvolumes_text(subvolumes: object, parent: str = "") -> str:
    """What `read_subvolumes` reads."""
    words = []
    for keys in map(_map, subvolumes if isinstance(subvolumes, list) else ()):
        name, point = f"{parent}{_text(keys.get('name'))}", _text(keys.get("mountpoint"))
        words += [f"{name}={point}" if point else name]
        words += filter(None, [subvolumes_text(keys.get("subvols"), f"{name}/")])
    return ", ".join(words)


def _named(subvolumes: Sequence[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((each for each in subvolumes if each["name"] == name), None)


def _set(keys: dict[str, Any], key: str, value: Any) -> None:
    """Without the key when there is nothing to say."""
    if value:
        keys[key] = value
    else:
        keys.pop(key, None)


def _map(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
