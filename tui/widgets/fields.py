"""Fields of a form: a label, what is answered, and what is wrong with it right below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

Key = str | int


class Field(Vertical):
    """path: of the draft's key it asks for; a remark on that key or below it belongs here.
    help_text: what F1 says."""

    def __init__(
        self,
        label: str,
        *,
        path: Sequence[Key],
        help_text: str,
        id: str | None = None,
        also: Iterable[Sequence[Key]] = (),
    ) -> None:
        """also: further paths whose remarks belong here."""
        super().__init__(id=id, classes="field")
        self.label = label
        self.help_text = help_text
        self._paths = tuple(tuple(each) for each in (path, *also))

    def compose(self) -> ComposeResult:
        yield Static(self.label, classes="label", markup=False)
        yield from self.compose_input()
        yield Static("", classes="error", markup=False)

    def compose_input(self) -> ComposeResult:
        raise NotImplementedError

    def owns(self, path: Sequence[Key]) -> bool:
        return any(tuple(path[: len(each)]) == each for each in self._paths)

    def show(self, problems: Sequence[str]) -> None:
        """What is wrong; an empty list is silent."""
        self.query_one(".error", Static).update("\n".join(problems))
        self.set_class(bool(problems), "wrong")

    def focus_input(self) -> None:
        focusable = (each for each in self.walk_children(Widget) if each.can_focus)
        first = next(focusable, None)
        if first is not None:
            first.focus()


class TextField(Field):
    """A line of text."""

    def __init__(
        self,
        label: str,
        *,
        path: Sequence[Key],
        help_text: str,
        value: str = "",
        placeholder: str = "",
        secret: bool = False,
        id: str | None = None,
        also: Iterable[Sequence[Key]] = (),
    ) -> None:
        super().__init__(label, path=path, help_text=help_text, id=id, also=also)
        self._input = Input(value, placeholder=placeholder, password=secret, compact=True)

    def compose_input(self) -> ComposeResult:
        yield self._input

    @property
    def value(self) -> str:
        """Without the blanks around it; those of a secret are part of it."""
        return self._input.value if self._input.password else self._input.value.strip()
