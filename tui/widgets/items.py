"""A list of things that are opened, added and taken away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.widgets.fields import Field, Key

_ADD = "+"


@dataclass(frozen=True)
class Item:
    """detail: further lines."""

    id: str
    title: str
    detail: str = ""


class ItemList(OptionList):
    """Enter opens, Delete takes away. Posts `Opened`, `Added`, `Removed`.

    add_label: of a last line that adds something; "" for none.
    """

    BINDINGS: ClassVar = [Binding("delete,d", "remove", "Delete")]

    @dataclass
    class _About(Message):
        list: ItemList

        @property
        def control(self) -> ItemList:
            return self.list

    @dataclass
    class Added(_About):
        pass

    @dataclass
    class Opened(_About):
        item: str

    @dataclass
    class Removed(_About):
        item: str

    def __init__(
        self, items: Iterable[Item] = (), *, add_label: str = "", id: str | None = None
    ) -> None:
        super().__init__(id=id, compact=True, markup=False)
        self._add_label = add_label
        self.fill(items)

    def fill(self, items: Iterable[Item]) -> None:
        """Replace all; the highlight stays where it was."""
        at = self.highlighted
        self.clear_options()
        self.add_options([_option(item) for item in items])
        if self._add_label:
            self.add_option(_option(Item(_ADD, f"+ {self._add_label}")))
        if self.option_count:
            self.highlighted = min(at or 0, self.option_count - 1)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        id = str(event.option_id)
        self.post_message(self.Added(self) if id == _ADD else self.Opened(self, id))

    def action_remove(self) -> None:
        option = self.highlighted_option
        if option is not None and option.id not in (None, _ADD):
            self.post_message(self.Removed(self, str(option.id)))


def _option(item: Item) -> Option:
    lines = [item.title, *(f"    {line}" for line in item.detail.splitlines())]
    return Option(Text("\n".join(lines)), id=item.id)


class ItemField(Field):
    """A field whose answer is a list of things. The items' ids are texts of its own choice."""

    def __init__(
        self,
        label: str,
        items: Iterable[Item] = (),
        *,
        path: Sequence[Key],
        help_text: str,
        add_label: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(label, path=path, help_text=help_text, id=id)
        self.list = ItemList(items, add_label=add_label)

    def compose_input(self) -> ComposeResult:
        yield self.list
