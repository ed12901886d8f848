"""The partitions as somebody edits them: automatic, or a list of their own, as in a kickstart."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from installer.draft import Draft
from installer.storage.layout import DEFAULT_DISK

ROOT_FILESYSTEMS = ("ext4", "xfs", "btrfs")
PartitionRow = Mapping[str, Any]  # a partition's keys in a kickstart


@dataclass(frozen=True)
class LayoutAnswers:
    """automatic: filesystem on the rest of the disk, and what booting needs; else rows. The other
    way's answers are kept. bootmode: "" for what suits the machine."""

    automatic: bool = True
    filesystem: str = "ext4"
    rows: tuple[PartitionRow, ...] = ()
    table: str = "gpt"
    bootmode: str = ""

    @classmethod
    def of(cls, draft: Draft, aside: Sequence[PartitionRow] = ()) -> LayoutAnswers:
        """aside: rows to come back to, when the draft has the automatic layout."""
        rows = draft.get("partitions")
        filesystem = _automatic_filesystem(rows)
        if filesystem:
            rows = list(aside) or [_root(filesystem)]
        return cls(
            bool(filesystem),
            filesystem or ROOT_FILESYSTEMS[0],
            tuple(rows) if isinstance(rows, list) else (),
            draft.get("partition_type", default="gpt"),
            draft.get("bootmode", default=""),
        )

    def put_into(self, draft: Draft) -> Draft:
        """The draft with this layout; nothing is said in it that goes without saying."""
        draft = draft.without("partitions", "partition_type", "bootmode")
        if not self.automatic:
            draft = draft.with_value(list(self.rows), "partitions")
        elif self.filesystem != ROOT_FILESYSTEMS[0]:
            draft = draft.with_value([_root(self.filesystem)], "partitions")
        if self.table != "gpt":
            draft = draft.with_value(self.table, "partition_type")
        return draft.with_value(self.bootmode, "bootmode") if self.bootmode else draft

    def with_row(self, index: int, row: PartitionRow) -> LayoutAnswers:
        """With another row at index, or one more where the rows end."""
        rows = [*self.rows]
        rows[index : index + 1] = [copy.deepcopy(dict(row))]
        return replace(self, rows=tuple(rows))

    def without_row(self, index: int) -> LayoutAnswers:
        return replace(self, rows=self.rows[:index] + self.rows[index + 1 :])


def disk_ids(draft: Draft) -> tuple[str, ...]:
    disks = draft.get("disks")
    return tuple(disks) if isinstance(disks, dict) and disks else (DEFAULT_DISK,)


def _root(filesystem: str) -> PartitionRow:
    return {"mountpoint": "/", "size": 0, "filesystem": filesystem}


def _automatic_filesystem(rows: Any) -> str:
    """Of a root that has the rest of the disk and nothing else said about it; "" for others."""
    if rows is None:
        return ROOT_FILESYSTEMS[0]
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], dict):
        return ""
    row = {"filesystem": ROOT_FILESYSTEMS[0], **rows[0]}
    return next((each for each in ROOT_FILESYSTEMS if row == _root(each)), "")
