"""A branch of a server: chosen in the list of them, or typed when there is none."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import Input

from installer.branches import Branch, Offer
from tui.widgets.choices import Choice, ChoiceList
from tui.widgets.fields import Field, Key


class BranchField(Field):
    """Nothing is shown until `fill`. ref: the one that is wanted."""

    def __init__(
        self, label: str, ref: str, *, path: Sequence[Key], help_text: str, id: str | None = None
    ) -> None:
        super().__init__(label, path=path, help_text=help_text, id=id)
        self._wanted = ref
        self._list = ChoiceList()
        self._input = Input(ref, placeholder="photon/5.0/x86_64/minimal", compact=True)
        self._listed: bool | None = None

    def compose_input(self) -> ComposeResult:
        yield self._list
        yield self._input

    def on_mount(self) -> None:
        self.fill(None)

    @property
    def value(self) -> str:
        """What was chosen or typed; as long as there was nothing to choose, what is wanted."""
        if self._listed is None:
            return self._wanted
        return next(iter(self._list.chosen), "") if self._listed else self._input.value.strip()

    def fill(self, offer: Offer | None) -> None:
        """Let the user choose from an offer; a single branch is chosen. None: there is none."""
        self._wanted = self.value or self._wanted
        self._listed = None if offer is None else offer.listed
        self.display = offer is not None
        self._list.display, self._input.display = self._listed is True, self._listed is False
        if offer is None:
            return
        self._input.value = self._wanted
        only = offer.branches[0].ref if len(offer.branches) == 1 else self._wanted
        self._list.fill(map(_choice, offer.branches), [only])
        missing = offer.missing(self._wanted) if self._wanted and only == self._wanted else None
        self.show([str(missing)] if missing else [])

    def focus_input(self) -> None:
        (self._list if self._listed else self._input).focus()


def _choice(branch: Branch) -> Choice:
    return Choice(branch.ref, branch.ref, branch.summary, branch.fault)
