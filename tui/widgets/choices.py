"""Lists that show what is chosen by characters, since sixteen colours do not."""

from __future__ import annotations

import textwrap
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

_DETAIL_WIDTH = 68  # with its indent, the page's padding and a scrollbar: 80


@dataclass(frozen=True)
class Choice:
    """id: of the answer. detail: a second line. refused: why it cannot be chosen, "" if it can."""

    id: str
    title: str
    detail: str = ""
    refused: str = ""


class ChoiceList(OptionList):
    """Exactly one is chosen, with Space or Enter: `(x)`. Posts `Chosen`.

    several: any number: `[x]`.
    """

    BINDINGS: ClassVar = [Binding("space", "select", "Choose", show=False)]

    class Chosen(Message):
        def __init__(self, list: ChoiceList) -> None:
            super().__init__()
            self.list = list

        @property
        def control(self) -> ChoiceList:
            return self.list

    def __init__(
        self,
        choices: Iterable[Choice] = (),
        chosen: Iterable[str] = (),
        *,
        several: bool = False,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id, compact=True, markup=False)
        self._several = several
        self._choices: dict[str, Choice] = {}
        self._chosen: list[str] = []
        self.fill(choices, chosen)

    @property
    def chosen(self) -> tuple[str, ...]:
        """In the order of the list."""
        return tuple(id for id in self._choices if id in self._chosen)

    def fill(
        self, choices: Iterable[Choice], chosen: Iterable[str] = (), *, several: bool | None = None
    ) -> None:
        """Replace all; what cannot be chosen is not. several: None for as before. The cursor stays
        where it is."""
        at = self.highlighted_option.id if self.highlighted_option else None
        self._several = self._several if several is None else several
        self._choices = {choice.id: choice for choice in choices}
        wanted = [id for id in chosen if id in self._choices and not self._choices[id].refused]
        self._chosen = wanted if self._several else wanted[:1]
        self.clear_options()
        self.add_options([self._option(choice) for choice in self._choices.values()])
        if at not in self._choices:
            at = next(iter([*self._chosen, *self._choices]), None)
        if at is not None:
            self.highlighted = list(self._choices).index(at)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        choice = self._choices[str(event.option_id)]
        if choice.refused:
            return
        if self._several and choice.id in self._chosen:
            self._chosen.remove(choice.id)
        elif self._several:
            self._chosen.append(choice.id)
        else:
            self._chosen = [choice.id]
        for each in self._choices.values():
            self.replace_option_prompt(each.id, self._prompt(each))
        self.post_message(self.Chosen(self))

    def _option(self, choice: Choice) -> Option:
        return Option(self._prompt(choice), id=choice.id)

    def _prompt(self, choice: Choice) -> Text:
        before, after = "[]" if self._several else "()"
        sign = "x" if choice.id in self._chosen else " "
        mark = " - " if choice.refused else f"{before}{sign}{after}"
        said = [f"cannot be used: {choice.refused}"] if choice.refused else []
        lines = [
            f"    {part}"
            for line in [*said, *choice.detail.splitlines()]
            for part in textwrap.wrap(line, _DETAIL_WIDTH)
        ]
        return Text("\n".join([f"{mark} {choice.title}", *lines]))


class ChoiceField(Field):
    """A field with a list to choose from."""

    def __init__(
        self,
        label: str,
        choices: Iterable[Choice],
        *,
        path: Sequence[Key],
        help_text: str,
        chosen: Iterable[str] = (),
        several: bool = False,
        id: str | None = None,
        also: Iterable[Sequence[Key]] = (),
    ) -> None:
        super().__init__(label, path=path, help_text=help_text, id=id, also=also)
        self.list = ChoiceList(choices, chosen, several=several)

    def compose_input(self) -> ComposeResult:
        yield self.list

    @property
    def chosen(self) -> tuple[str, ...]:
        return self.list.chosen

    @property
    def value(self) -> str:
        """The one that is chosen, "" for none."""
        return next(iter(self.list.chosen), "")
