"""A line of text about which the world is asked when the field is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Button, Input, Static

from engine.cancel import CancelToken
from engine.errors import PhotreeError
from installer.draft import Remark
from installer.rules import Rule
from tui.widgets.fields import Key, TextField
from tui.widgets.threads import in_thread

_Answer = TypeVar("_Answer")


class AskingField(TextField, Generic[_Answer]):
    """ask: gets the answer to a text; it runs in a thread and raises PhotreeError. rule: what the
    text must be before anybody is asked. describe: an answer in the line below. button: asks again.

    Posts `Settled` when something is known of the text.
    """

    class Settled(Message):
        def __init__(self, field: AskingField[Any]) -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> AskingField[Any]:
            return self.field

    def __init__(
        self,
        label: str,
        ask: Callable[[str, CancelToken], _Answer],
        describe: Callable[[_Answer], str],
        *,
        path: Sequence[Key],
        help_text: str,
        rule: Rule = lambda _text: None,
        button: str = "Test",
        value: str = "",
        placeholder: str = "",
        id: str | None = None,
        also: Iterable[Sequence[Key]] = (),
    ) -> None:
        super().__init__(
            label,
            path=path,
            help_text=help_text,
            value=value,
            placeholder=placeholder,
            id=id,
            also=also,
        )
        self._ask = ask
        self._describe = describe
        self._rule = rule
        self._button = button
        self._asked = ""
        self._answer: _Answer | None = None
        self._error: PhotreeError | None = None
        self._token = CancelToken()
        self._settled = asyncio.Event()
        self._settled.set()

    def compose_input(self) -> ComposeResult:
        yield self._input
        with Horizontal(classes="state-line"):
            yield Static("", classes="state", markup=False)
            yield Button(self._button, classes="ask", compact=True)

    def on_mount(self) -> None:
        self.ask()

    def on_unmount(self) -> None:
        self._token.cancel()

    @property
    def answer(self) -> _Answer | None:
        """To the text as it is now; None when it is not known."""
        return self._answer if self.value == self._asked else None

    @property
    def error(self) -> PhotreeError | None:
        """Why there is no answer to the text."""
        return self._error if self.value == self._asked else None

    def ask(self, *, again: bool = False) -> None:
        """Find out about the text, unless that was begun (again: all the same)."""
        text = self.value
        if text == self._asked and not again:
            return
        self._token.cancel()
        self._asked, self._answer, self._error = text, None, None
        broken = self._rule(text) if text else None
        if broken is not None:
            self._error = PhotreeError(broken.message, broken.hint)
        if not text or broken is not None:
            self._settle()
            return
        self._settled.clear()
        self.show([])
        self.say(f"asking {text} ...")
        self._token = CancelToken()
        self._find_out(text, self._token)

    async def settle(self) -> None:
        """Wait until something is known of the text; what failed is tried again."""
        self.ask(again=self.error is not None)
        await self._settled.wait()

    def say(self, text: str) -> None:
        """Show text below the line."""
        self.query_one(".state", Static).update(text)

    @work(exclusive=True, group="ask")
    async def _find_out(self, text: str, token: CancelToken) -> None:
        try:
            answer, failure = await in_thread(self, lambda: self._ask(text, token)), None
        except PhotreeError as error:
            answer, failure = None, error
        if not token.cancelled:  # then the text is another by now, or the page was left
            self._answer, self._error = answer, failure
            self._settle()

    def _settle(self) -> None:
        self.show([] if self._error is None else [sentence(self._error)])
        self.say("" if self._answer is None else self._describe(self._answer))
        self._settled.set()
        self.post_message(self.Settled(self))

    @on(Input.Blurred)
    @on(Input.Submitted)
    def _left(self, event: Input.Blurred | Input.Submitted) -> None:
        event.stop()
        self.ask()

    @on(Button.Pressed)
    def _again(self, event: Button.Pressed) -> None:
        event.stop()
        self.ask(again=True)


def sentence(error: PhotreeError) -> str:
    """As remarks are shown beside a field."""
    return str(Remark((), error.message, error.hint))
