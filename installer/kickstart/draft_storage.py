"""The storage of a draft, read without the rest of it: quick enough for every change of a field."""

from __future__ import annotations

from dataclasses import dataclass

from engine.validation import check, problems_in_order
from installer.draft import KEYS, Draft, Remark, Section
from installer.kickstart.draft_document import NAME, DraftDocument, remarks
from installer.kickstart.reading import Facts, Reading
from installer.kickstart.schema import Kickstart
from installer.kickstart.storage_keys import read_storage
from installer.plan import BootMode, Secret, Storage
from installer.storage.layout import complete_layout, default_partitions

_KEYS = (*KEYS[Section.DISK], *KEYS[Section.PARTITIONS])
_ANY_DISK = "/dev/disk"


@dataclass(frozen=True)
class DraftStorage:
    """storage: None when something is wrong with it."""

    storage: Storage | None
    problems: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()


def read_draft_storage(draft: Draft, arch: str) -> DraftStorage:
    """arch: of this machine, for drafts that name none."""
    keys = {name: value for name, value in draft.keys.items() if name in _KEYS}
    checked = check(DraftDocument(NAME, keys, {}), Kickstart)
    if checked.value is None:
        return DraftStorage(None, remarks(checked.problems))
    found = list(checked.problems)
    reading = Reading(checked, checked.value, Facts(arch), Secret, found)
    storage = read_storage(reading, draft.get("arch", default=arch))
    return DraftStorage(
        None if found else storage,
        remarks(problems_in_order(found)),
        remarks(problems_in_order(reading.warnings)),
    )


def least_storage(draft: Draft, arch: str, *, fixed: bool) -> Storage:
    """What a disk must have room for before it is chosen.

    fixed: the draft's layout will not be asked about any more, so that the disk has to suit it.
    """
    if fixed:
        named = "disk" in draft.keys or "disks" in draft.keys
        given = draft if named else draft.with_value(_ANY_DISK, "disk")
        if storage := read_draft_storage(given, arch).storage:
            return storage
    bootmode = BootMode.DUAL if arch == "x86_64" else BootMode.EFI
    return Storage((), complete_layout(default_partitions(), bootmode), bootmode=bootmode)
