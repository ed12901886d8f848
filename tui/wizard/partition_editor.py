"""One partition of one's own: a form over the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from installer.draft import Remark
from installer.layout_view import LayoutView
from installer.partition_entry import PartitionEntry, judgeable
from installer.storage.layout import FILESYSTEMS
from tui.widgets.choices import Choice, ChoiceField
from tui.widgets.disk_bar import DiskBar
from tui.widgets.fields import Field, TextField
from tui.widgets.threads import in_thread
from tui.wizard.form import Form

PartitionKeys = Mapping[str, Any]
Judge = Callable[[PartitionKeys], LayoutView]
_POINT_HELP = (
    "Where the file system appears, such as /var or /home. / is needed. The tree's own directories"
    " (/usr, /etc ...) cannot be mounted over; /home, /root, /srv, /opt and /mnt are links to"
    " places below /var. Swap has none."
)
_SIZE_HELP = (
    "A number with MB, GB or TB (counted by 1024; MB if nothing is said), or with % for a share of"
    " the whole disk, or the word rest for all that the others leave. One partition of each disk"
    " can have the rest."
)
_FILESYSTEM_HELP = (
    "ext4 suits most machines; xfs is for large files, btrfs has subvolumes and checksums. vfat is"
    " for /boot/efi. swap is memory on the disk."
)
_DISK_HELP = "The disk that has the partition. `default` is the first of the chosen ones."
_LABEL_HELP = "A name by which the file system can be found. It may be left empty."
_OPTIONS_HELP = "As for mount -o, divided by commas, such as noatime,nodev. Mostly empty."
_SUBVOLUMES_HELP = (
    "Names, divided by commas, each with where it is mounted: root=/, home=/home, spare. One that"
    " is inside another has its name in front: var=/var, var/log=/var/log."
)
_LVM_HELP = (
    "With both names the file system is made on a logical volume; partitions with the same volume"
    " group share it. Without, it is an ordinary partition. /boot cannot be on LVM."
)
# Remarks that have no field of their own
_ALSO = {"mountpoint": [("",)], "size": [("sizepercent",)]}


class PartitionEditor(Form[dict[str, Any]]):
    """The keys of the partition, None if nothing shall change.

    keys: of the partition so far. index: its place in the draft's partitions. disks: the ids to
    choose from. judge: what the layout comes to with other keys in its place; it may take a moment
    and is called in a thread.
    """

    help_text = "F10 takes the partition into the table, Esc leaves the table as it was."

    def __init__(
        self, keys: PartitionKeys, index: int, disks: Sequence[str], judge: Judge, *, new: bool
    ) -> None:
        super().__init__("New partition" if new else "Partition")
        self._keys = keys
        self._index = index
        self._disks = disks
        self._judge = judge
        self._new = new

    def compose_body(self) -> ComposeResult:
        entry = PartitionEntry.of(self._keys)
        with Horizontal(classes="columns"):
            with Vertical():
                yield from self._texts(entry)
            with Vertical():
                yield from self._lists(entry)
        yield TextField(
            "Subvolumes",
            path=("btrfs",),
            value=entry.subvolumes,
            placeholder="root=/, home=/home",
            help_text=_SUBVOLUMES_HELP,
            id="subvolumes",
        )
        with Horizontal(classes="columns"):
            yield from self._lvm(entry)
        yield DiskBar(id="editor-bar")

    def _texts(self, entry: PartitionEntry) -> ComposeResult:
        rows = (
            ("Mount point", "mountpoint", entry.mountpoint, "/var", _POINT_HELP),
            ("Size", "size", entry.size, "20 GB, 50% or rest", _SIZE_HELP),
            ("Label", "label", entry.label, "", _LABEL_HELP),
            ("Mount options", "fs_options", entry.options, "", _OPTIONS_HELP),
        )
        for label, key, value, example, text in rows:
            yield TextField(
                label,
                path=(key,),
                also=_ALSO.get(key, ()),
                value=value,
                placeholder=example,
                help_text=text,
                id=key,
            )

    def _lists(self, entry: PartitionEntry) -> ComposeResult:
        yield ChoiceField(
            "File system",
            [Choice(name, name) for name in FILESYSTEMS],
            path=("filesystem",),
            chosen=[entry.filesystem],
            help_text=_FILESYSTEM_HELP,
            id="filesystem",
        )
        ids = self._disks if entry.disk in self._disks else [*self._disks, entry.disk]
        field = ChoiceField(
            "Disk",
            [Choice(id, id) for id in ids],
            path=("disk_id",),
            chosen=[entry.disk],
            help_text=_DISK_HELP,
            id="disk_id",
        )
        field.display = len(ids) > 1
        yield field

    def _lvm(self, entry: PartitionEntry) -> ComposeResult:
        rows = (
            ("LVM volume group", "vg_name", entry.volume_group),
            ("LVM logical volume", "lv_name", entry.logical_volume),
        )
        for label, key, value in rows:
            path = ("lvm", key) if key == "vg_name" else ("lvm",)  # the second one has the rest
            yield TextField(label, path=path, value=value, help_text=_LVM_HELP, id=key)

    def on_mount(self) -> None:
        self.query_one("#mountpoint", TextField).focus_input()
        self._show_suitable()
        if not self._new:
            self._look()

    def on_input_changed(self) -> None:
        self._look()

    def on_choice_list_chosen(self) -> None:
        self._show_suitable()
        self._look()

    async def finish(self) -> dict[str, Any] | tuple[Remark, ...]:
        """Mistakes of the layout may be left to correct later: they stay beside their rows."""
        keys, unclear = self._answer()
        return unclear or keys

    def _answer(self) -> tuple[dict[str, Any], tuple[Remark, ...]]:
        def text(id: str) -> str:
            return self.query_one(f"#{id}", TextField).value

        entry = PartitionEntry(
            mountpoint=text("mountpoint"),
            size=text("size"),
            filesystem=self.query_one("#filesystem", ChoiceField).value,
            disk=self.query_one("#disk_id", ChoiceField).value,
            label=text("label"),
            options=text("fs_options"),
            subvolumes=text("subvolumes"),
            volume_group=text("vg_name"),
            logical_volume=text("lv_name"),
        )
        return entry.put_into(self._keys)

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        """What the layout comes to with this."""
        keys, unclear = self._answer()
        view = await in_thread(self, lambda: self._judge(judgeable(keys)))
        said = [each for each in view.of_row(self._index) if not _same_field(each, unclear)]
        self._say([*unclear, *said])
        if not unclear:
            self.query_one("#editor-bar", DiskBar).show(view.disks)

    def _say(self, remarks: Sequence[Remark]) -> None:
        """Beside the fields, without taking the focus from where somebody types."""
        left = list(remarks)
        for field in self.query(Field):
            ours = [remark for remark in left if field.owns(remark.path)]
            left = [remark for remark in left if remark not in ours]
            field.show([str(remark) for remark in ours])
        self.query_one("#remarks", Static).update("\n".join(map(str, left)))

    def _show_suitable(self) -> None:
        """Only the fields that the file system has."""
        filesystem = self.query_one("#filesystem", ChoiceField).value
        self.query_one("#mountpoint").display = filesystem != "swap"
        self.query_one("#subvolumes").display = filesystem == "btrfs"


def _same_field(remark: Remark, others: Sequence[Remark]) -> bool:
    return any(remark.path[:1] == other.path[:1] for other in others)
