"""How the disks are divided: automatically, or as somebody wants it."""

from __future__ import annotations

from dataclasses import replace

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from engine.errors import PhotreeError
from installer.draft import Draft, Remark, Section, section_of
from installer.interview import Session
from installer.layout_draft import ROOT_FILESYSTEMS, LayoutAnswers, PartitionRow, disk_ids
from installer.layout_view import LayoutView
from installer.partition_entry import NEW
from tui.widgets.choices import Choice, ChoiceField
from tui.widgets.disk_bar import DiskBar
from tui.widgets.layout_list import LayoutField, LayoutList
from tui.widgets.threads import in_thread
from tui.wizard.page import Page
from tui.wizard.partition_editor import PartitionEditor

_WAYS = (
    Choice("automatic", "Automatic: what booting needs, and / over all the rest"),
    Choice("own", "Own partitions: add, change and delete them in the table below"),
)
_TABLES = (Choice("gpt", "gpt"), Choice("msdos", "msdos"))
_BOOT_MODES = (
    Choice("dualboot", "BIOS and UEFI"),
    Choice("efi", "UEFI only"),
    Choice("bios", "BIOS only"),
)
_HELP = (
    "The table shows everything that will be on the disks, in this order; nothing of what is there"
    " now stays. What is marked as added is needed for booting. With own partitions A adds one,"
    " Enter changes one (also an added one), D deletes one."
)
_FILESYSTEM_HELP = "Of the partition for /, which has the trees and everything in /var."
_TABLE_HELP = (
    "gpt is right for nearly every machine. msdos is for very old firmware: four partitions, 2 TiB."
)
_BOOT_HELP = (
    "Under which firmware the disk will boot. Both is right if you do not know: the disk can then"
    " also be moved to another machine."
)
_NEEDED = "It is needed for booting and added by itself; it cannot be deleted, and is small."
_FIXED = "The firmware asks for this one as it is; it cannot be changed."


class PartitionsPage(Page):
    section = Section.PARTITIONS
    heading = "Partitions"
    help_text = _HELP

    def __init__(self, session: Session, *, first: bool = False) -> None:
        super().__init__(session, first=first)
        self._layout = session.layout()

    def compose_body(self) -> ComposeResult:
        layout = self._layout
        yield ChoiceField(
            "How shall the disk be divided?",
            _WAYS,
            path=("partition-way",),
            help_text=_HELP,
            chosen=["automatic" if layout.automatic else "own"],
            id="way",
        )
        with Horizontal(classes="columns"):
            yield ChoiceField(
                "File system of /",
                [Choice(name, name) for name in ROOT_FILESYSTEMS],
                path=("partition-filesystem",),
                help_text=_FILESYSTEM_HELP,
                chosen=[layout.filesystem],
                id="filesystem",
            )
            yield ChoiceField(
                "Partition table",
                _TABLES,
                path=("partition_type",),
                help_text=_TABLE_HELP,
                chosen=[layout.table],
                id="table",
            )
            if self.session.arch == "x86_64":
                yield ChoiceField(
                    "Boots under",
                    _BOOT_MODES,
                    path=("bootmode",),
                    help_text=_BOOT_HELP,
                    chosen=[layout.bootmode or "dualboot"],
                    id="bootmode",
                )
        yield DiskBar(id="bar")
        yield LayoutField("Partitions", help_text=_HELP, id="layout")

    def on_mount(self) -> None:
        self.query_one("#way", ChoiceField).focus_input()
        self._show_way()
        self._look()

    def on_choice_list_chosen(self) -> None:
        way, filesystem, table, *others = (field.value for field in self.query(ChoiceField))
        self._layout = replace(
            self._layout,
            automatic=way == "automatic",
            filesystem=filesystem,
            table=table,
            bootmode="" if others in ([], ["dualboot"]) else others[0],
        )
        self._show_way()
        self._change(self._layout)

    def on_layout_list_wanted(self, event: LayoutList.Wanted) -> None:
        row = event.row
        rest = len(self._layout.rows)
        if row is None:
            self._edit(NEW, rest, new=True)
        elif event.gone and row.index is None:
            self._say(_NEEDED)
        elif event.gone and row.index is not None:
            self._change(self._layout.without_row(row.index))
        elif not row.keys:
            self._say(_FIXED)
        else:
            self._edit(row.keys, rest if row.index is None else row.index, new=False)

    def answer(self) -> Draft:
        return self.session.with_layout(self._layout)

    async def find_problems(self, draft: Draft) -> tuple[Remark, ...]:
        """Those of the kickstart's rules, and those of the disks' sizes."""
        if said := await super().find_problems(draft):
            return said
        view = await self._shown(draft)
        return tuple(each for each in view.problems if section_of(each.path) is self.section)

    def _edit(self, keys: PartitionRow, index: int, *, new: bool) -> None:
        layout, draft = self._layout, self.session.draft

        def judge(changed: PartitionRow) -> LayoutView:
            return self.session.view_layout(layout.with_row(index, changed).put_into(draft))

        def take(changed: PartitionRow | None) -> None:
            if changed is not None:
                self._change(layout.with_row(index, changed))

        editor = PartitionEditor(keys, index, disk_ids(draft), judge, new=new)
        self.app.push_screen(editor, take)

    def _change(self, layout: LayoutAnswers) -> None:
        self._layout = layout
        self._say("")
        self._look()

    @work(exclusive=True, group="layout")
    async def _look(self) -> None:
        """What the layout comes to now."""
        await self._shown(self.answer())

    async def _shown(self, draft: Draft) -> LayoutView:
        if self.session.machine is None:
            try:
                self.session.machine = await in_thread(self, self.session.inquiries.machine)
            except PhotreeError as error:
                self._say(f"{error.message} {error.hint}")
        view = await in_thread(self, lambda: self.session.view_layout(draft))
        self.query_one("#bar", DiskBar).show(view.disks)
        self.query_one("#layout", LayoutField).show_view(view)
        return view

    def _show_way(self) -> None:
        """Only the fields that the way of dividing has."""
        self.query_one("#filesystem").display = self._layout.automatic
        self.query_one(LayoutList).editable = not self._layout.automatic
        self.refresh_bindings()

    def _say(self, text: str) -> None:
        self.query_one("#remarks", Static).update(text)
