"""A password, typed twice; how good it is, is said while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Button, Input, Static

from installer.plan import Secret
from tui.widgets.fields import Field, Key

_SET, _UNSET = "(set; type to change)", "(none: locked)"


class PasswordField(Field):
    """set: whether there is a password already. judge: what is to be said about a new one.

    What was typed is in no message and no other widget. Posts `Removed`.
    """

    class Removed(Message):
        """There shall be no password."""

    def __init__(
        self,
        label: str,
        *,
        path: Sequence[Key],
        help_text: str,
        set: bool,
        judge: Callable[[str], str],
        id: str | None = None,
        also: Iterable[Sequence[Key]] = (),
    ) -> None:
        super().__init__(label, path=path, help_text=help_text, id=id, also=also)
        self._judge = judge
        self._first = Input(password=True, compact=True)
        self._again = Input(password=True, compact=True, placeholder="(the same again)")
        self._remark = Static("", classes="strength", markup=False)
        self._remove = Button("Remove", classes="remove", compact=True)
        self._set = set

    def compose_input(self) -> ComposeResult:
        with Horizontal(classes="twice"):
            yield self._first
            yield self._again
            yield self._remove
        yield self._remark

    def on_mount(self) -> None:
        self._show_state()

    @property
    def differs(self) -> bool:
        """Whether the two do."""
        return self._first.value != self._again.value

    @property
    def typed(self) -> bool:
        """Whether there is a new password, the same twice."""
        return bool(self._first.value) and not self.differs

    @property
    def text(self) -> Secret:
        """The new password."""
        return Secret(self._first.value)

    def forget(self, *, set: bool) -> None:
        """What was typed. set: whether there is a password now."""
        self._first.value = self._again.value = ""
        self._set = set
        self._show_state()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.forget(set=False)
        self._first.focus()
        self.post_message(self.Removed())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        text = self._first.value
        words = [self._judge(text)] if text else []
        if text and self._again.value and not text.startswith(self._again.value):
            words.append("the second one differs")
        self._remark.update("; ".join(words))
        self._remark.display = bool(words)

    def _show_state(self) -> None:
        self._first.placeholder = _SET if self._set else _UNSET
        self._remove.display = self._set
