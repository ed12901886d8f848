"""A time zone, found by typing a part of its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from installer.draft import Remark
from installer.time_zones import matching, meant, suggest
from tui.widgets.fields import Field, Key
from tui.widgets.items import Item, ItemList
from tui.widgets.threads import in_thread


class ZoneField(Field):
    """value: the zone there is. load: gets all of them; it runs in a thread."""

    def __init__(
        self,
        label: str,
        value: str,
        load: Callable[[], Sequence[str]],
        *,
        path: Sequence[Key],
        help_text: str,
        id: str | None = None,
    ) -> None:
        super().__init__(label, path=path, help_text=help_text, id=id)
        self._path = tuple(path)
        self._load = load
        self._zones: tuple[str, ...] = ()
        self._input = Input(value, compact=True, placeholder="(type a part of its name)")
        self._list = ItemList()

    def compose_input(self) -> ComposeResult:
        yield self._input
        yield self._list

    async def on_mount(self) -> None:
        self._list.display = False
        self.run_worker(self._fill())

    @property
    def value(self) -> str:
        """The zone that was typed or chosen, as the database writes it."""
        return meant(self._zones, self._input.value.strip())

    def problems(self) -> Iterator[Remark]:
        """A name that no zone has; nothing is said where they are not known."""
        if self._zones and self.value not in self._zones:
            message = f'there is no time zone "{self.value}"'
            yield Remark(self._path, message, suggest(self._zones, self.value))

    async def _fill(self) -> None:
        self._zones = tuple(await in_thread(self, self._load))

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        found = () if self.value in self._zones else matching(self._zones, event.value)
        self._list.fill(Item(zone, zone) for zone in found)
        self._list.highlighted = 0 if found else None
        self._list.display = bool(found)

    @on(Input.Submitted)
    def _take_first(self, event: Input.Submitted) -> None:
        event.stop()
        if self._list.display and self._list.highlighted_option is not None:
            self._choose(str(self._list.highlighted_option.id))

    @on(ItemList.Opened)
    def _take(self, event: ItemList.Opened) -> None:
        event.stop()
        self._choose(event.item)
        self._input.focus()

    @on(ItemList.Removed)
    def _ignore(self, event: ItemList.Removed) -> None:
        event.stop()

    def _choose(self, zone: str) -> None:
        self._input.value = zone
        self._input.cursor_position = len(zone)
