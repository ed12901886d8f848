"""Public SSH keys, pasted or fetched, shown by what tells one from another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input

from engine.cancel import CancelToken
from engine.errors import Cancelled, PhotreeError
from installer.draft import Remark
from installer.rules import public_key, public_key_lines
from installer.ssh_keys import is_address, key_facts
from tui.widgets.fields import Field, Key
from tui.widgets.items import Item, ItemList
from tui.widgets.threads import in_thread

Fetch = Callable[[str, CancelToken], Sequence[str]]


class _KeyInput(Input):
    """Takes several pasted lines, not only the first."""

    class Pasted(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def on_paste(self, event: Paste) -> None:
        if len(event.text.splitlines()) > 1:
            event.prevent_default()
            event.stop()
            self.post_message(self.Pasted(event.text))


class KeysField(Field):
    """lines: the keys there are. fetch: gets those behind an address; it runs in a thread."""

    BINDINGS: ClassVar = [Binding("f8", "stop", "Stop fetching", show=False)]

    def __init__(
        self,
        label: str,
        lines: Sequence[str],
        fetch: Fetch,
        *,
        path: Sequence[Key],
        help_text: str,
        id: str | None = None,
    ) -> None:
        super().__init__(label, path=path, help_text=help_text, id=id)
        self._path = tuple(path)
        self._kept = list(lines)
        self._fetch = fetch
        self._cancel: CancelToken | None = None
        self._input = _KeyInput(
            compact=True, placeholder="(paste a key, or an https address of keys; then Enter)"
        )
        self._list = ItemList()

    def compose_input(self) -> ComposeResult:
        yield self._input
        yield self._list

    def on_mount(self) -> None:
        self._refresh()

    def on_unmount(self) -> None:
        self.action_stop()

    @property
    def lines(self) -> tuple[str, ...]:
        """The keys, with a whole one that was typed and not yet added."""
        typed = public_key_lines(self._input.value)
        return tuple(dict.fromkeys([*self._kept, *(() if self._broken else typed)]))

    def problems(self) -> Iterator[Remark]:
        """About what was typed and is no key."""
        if self._broken:
            yield Remark(self._path, *self._broken)

    @property
    def _broken(self) -> tuple[str, str] | None:
        text = self._input.value.strip()
        if not text:
            return None
        if is_address(text):
            return "these keys have not been fetched yet", "press Enter in the field"
        broken = public_key(text)
        return (broken.message, broken.hint) if broken else None

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        text = self._input.value.strip()
        if is_address(text):
            self._get(text)
        elif text:
            self._add(text)

    @on(_KeyInput.Pasted)
    def _take_lines(self, event: _KeyInput.Pasted) -> None:
        event.stop()
        self._add(event.text)

    @on(ItemList.Removed)
    def _remove(self, event: ItemList.Removed) -> None:
        event.stop()
        del self._kept[int(event.item)]
        self._refresh()

    @on(ItemList.Opened)
    def _ignore(self, event: ItemList.Opened) -> None:
        event.stop()

    def action_stop(self) -> None:
        if self._cancel is not None:
            self._cancel.cancel()

    @work(exclusive=True)
    async def _get(self, url: str) -> None:
        self.action_stop()
        token = self._cancel = CancelToken()
        self.show([f"fetching {url} ..."])
        try:
            found = await in_thread(self, lambda: self._fetch(url, token))
        except PhotreeError as error:
            stopped = isinstance(error, Cancelled)
            self.show(["stopped"] if stopped else [f"{error.message} {error.hint}".rstrip()])
        else:
            self._add("\n".join(found))

    def _add(self, text: str) -> None:
        broken = public_key(text)
        if broken:
            self.show([str(Remark(self._path, broken.message, broken.hint))])
            return
        self._kept = list(dict.fromkeys([*self._kept, *public_key_lines(text)]))
        self._input.value = ""
        self.show([])
        self._refresh()

    def _refresh(self) -> None:
        self._list.fill(_item(index, line) for index, line in enumerate(self._kept))
        self._list.display = bool(self._kept)


def _item(index: int, line: str) -> Item:
    facts = key_facts(line)
    if facts is None:
        return Item(str(index), "a damaged key")
    return Item(str(index), f"{facts.type} {facts.comment}".rstrip(), facts.fingerprint)
