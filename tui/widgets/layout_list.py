"""The table of partitions, whose rows can be changed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from installer.layout_view import COLUMNS, DiskView, LayoutView, Row
from tui.widgets.fields import Field

_WIDEST = (2, 22, 10, 9, 18, 12)
_NOTE_WIDTH, _LINE_WIDTH = 68, 74
_NONE = "There are no partitions yet; press A to add one."


class LayoutList(OptionList):
    """Rows of a `LayoutView`. editable: whether keys change something. Posts `Wanted`."""

    BINDINGS: ClassVar = [
        Binding("a,insert", "add", "Add"),
        Binding("enter,space", "select", "Change", key_display="Enter"),
        Binding("d,delete", "remove", "Delete"),
    ]

    class Wanted(Message):
        """Something is to be done. row: None for a new one. gone: it is to be deleted."""

        def __init__(self, row: Row | None, *, gone: bool = False) -> None:
            super().__init__()
            self.row = row
            self.gone = gone

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True, markup=False)
        self.editable = False
        self._rows: dict[str, Row] = {}

    def fill(self, view: LayoutView) -> None:
        """Replace all; the cursor stays."""
        at = self.highlighted
        widths = _widths(view.rows)
        self._rows = {}
        self.clear_options()
        self.add_option(Option(Text(_line(COLUMNS, widths), style="bold"), disabled=True))
        for disk in view.disks:
            if len(view.disks) > 1:
                self.add_option(Option(_title(disk), disabled=True))
            for row in disk.rows:
                id = f"row-{len(self._rows)}"
                self._rows[id] = row
                self.add_option(Option(self._prompt(row, widths), id=id))
        if not self._rows:
            self.add_option(Option(Text(_NONE), disabled=True))
        elif at is not None:
            self.highlighted = min(at, self.option_count - 1)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that change nothing are not offered."""
        if action in ("add", "select", "remove"):
            return self.editable
        return super().check_action(action, parameters)

    def action_add(self) -> None:
        self.post_message(self.Wanted(None))

    def action_remove(self) -> None:
        if row := self._highlighted_row():
            self.post_message(self.Wanted(row, gone=True))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.editable and (row := self._rows.get(str(event.option_id))):
            self.post_message(self.Wanted(row))

    def _prompt(self, row: Row, widths: Sequence[int]) -> Text:
        added = "  (added)" if self.editable and row.index is None else ""
        text = Text(f"{_line(row.cells, widths)}{added}")
        for problem in row.problems:
            text.append(_below(f"wrong: {problem}"), style="red")
        for note in row.notes:
            text.append(_below(f"note: {note}"))
        return text

    def _highlighted_row(self) -> Row | None:
        option = self.highlighted_option
        return self._rows.get(str(option.id)) if option else None


class LayoutField(Field):
    """What is wrong with a row is said in it; above the list is what belongs to none."""

    def __init__(self, label: str, *, help_text: str, id: str | None = None) -> None:
        super().__init__(label, path=("partitions",), help_text=help_text, id=id)
        self.list = LayoutList()
        self._view = LayoutView(())
        self._others: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static(self.label, classes="label", markup=False)
        yield Static("", classes="error", markup=False)
        yield self.list

    def show_view(self, view: LayoutView) -> None:
        self._view = view
        self.list.fill(view)
        self._show_rest()

    def show(self, problems: Sequence[str]) -> None:
        """Those that the table does not say already."""
        said = {problem for row in self._view.rows for problem in row.problems}
        self._others = [each for each in problems if each not in {*said, *self._view.general}]
        self._show_rest()

    def _show_rest(self) -> None:
        notes = [f"note: {each}" for each in self._view.notes]
        super().show([*self._view.general, *self._others, *notes])


def _widths(rows: Sequence[Row]) -> list[int]:
    columns = zip(COLUMNS, *(row.cells for row in rows), strict=True)
    return [
        min(max(map(len, column)), widest) for column, widest in zip(columns, _WIDEST, strict=True)
    ]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    clipped = (
        cell if len(cell) <= width else f"{cell[: width - 2]}.."
        for cell, width in zip(cells, widths, strict=True)
    )
    return "  ".join(map(str.ljust, clipped, widths)).rstrip()[:_LINE_WIDTH]


def _below(text: str) -> str:
    return "".join(f"\n    {line}" for line in textwrap.wrap(text, _NOTE_WIDTH))


def _title(disk: DiskView) -> Text:
    return Text(f"{disk.id}: {disk.title}", style="bold")
