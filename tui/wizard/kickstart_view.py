"""The kickstart that gives the same machine again: to be read, and to be saved."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from installer.draft import Remark
from installer.interview import Session
from installer.review import without_secrets
from installer.sticks import Stick, find_sticks
from tui.widgets.choices import Choice, ChoiceField
from tui.widgets.fields import TextField
from tui.widgets.threads import in_thread
from tui.wizard.form import Form

_FILE = "file"
_HELP = (
    "The kickstart installs the same machine without questions: photree-installer --kickstart FILE."
    " It has password hashes, so only its owner may read it."
)


class KickstartView(ModalScreen[None]):
    """text: of the kickstart. Esc closes, S saves."""

    BINDINGS: ClassVar = [
        Binding("escape,q", "close", "Close"),
        Binding("s", "save", "Save"),
    ]

    def __init__(self, session: Session, text: str) -> None:
        super().__init__()
        self._session = session
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(id="kickstart"):
            yield Static("The equivalent kickstart", id="form-heading", markup=False)
            with VerticalScroll(id="kickstart-body"):
                yield Static(without_secrets(self._text), markup=False)
            yield Static("", id="kickstart-state", markup=False)
            yield Static("Arrow keys scroll  S Save  Esc Close", markup=False)

    def on_mount(self) -> None:
        self.query_one("#kickstart-body").focus()

    def action_close(self) -> None:
        self.dismiss(None)

    @work(exclusive=True)
    async def action_save(self) -> None:
        where = await self.app.push_screen_wait(SaveForm(self._session, self._text))
        if where:
            self.query_one("#kickstart-state", Static).update(f"Saved: {where}")


class SaveForm(Form[str]):
    """Returns where the kickstart was saved."""

    help_text = _HELP

    def __init__(self, session: Session, text: str) -> None:
        super().__init__("Save the kickstart")
        self._session = session
        self._text = text
        self._sticks: dict[str, Stick] = {}

    def compose_body(self) -> ComposeResult:
        yield ChoiceField(
            "Where to?",
            [Choice(_FILE, "A file of this machine")],
            path=("where",),
            help_text="Sticks are listed when they are found. " + _HELP,
            chosen=[_FILE],
            id="where",
        )
        yield TextField(
            "Name of the file",
            path=("name",),
            help_text="The whole path of a new file. On a stick, its name alone. " + _HELP,
            value="/root/photree-kickstart.json",
            id="name",
        )

    def on_mount(self) -> None:
        self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        machine = await in_thread(self, self._session.inquiries.machine)
        self._sticks = {stick.path: stick for stick in find_sticks(machine)}
        field = self.query_one("#where", ChoiceField)
        choices = [Choice(stick.path, stick.title) for stick in self._sticks.values()]
        field.list.fill([Choice(_FILE, "A file of this machine"), *choices], [field.value])

    async def finish(self) -> str | tuple[Remark, ...]:
        name = self.query_one("#name", TextField).value
        if not name or name.endswith("/"):
            return (Remark(("name",), "must be the name of a file"),)
        stick = self._sticks.get(self.query_one("#where", ChoiceField).value)
        inquiries = self._session.inquiries
        if stick is None:
            return await in_thread(self, lambda: inquiries.save_file(self._text, name))
        short = name.rsplit("/", 1)[-1]
        return await in_thread(self, lambda: inquiries.save_to_stick(self._text, stick, short))
