"""Which disk, or disks, the machine is installed on."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from engine.errors import PhotreeError
from installer.disk_choices import Survey, chosen_disks, devices_of, with_disks
from installer.draft import Draft, Remark, Section
from installer.interview import Session
from tui.widgets.choices import Choice, ChoiceField, ChoiceList
from tui.widgets.threads import in_thread
from tui.wizard.page import Page

_LOOKING = "Looking at the disks of this machine ..."
_NO_DISK = """\
This machine has no disk that could be installed on.

  - Is a disk attached, and switched on in the machine's settings?
  - A virtual machine needs a virtual disk, of 2 GiB or more.
  - Disks behind a RAID controller may need to be set up in its menu first.

Attach one, then press F5 to look again; no restart is needed for that."""
_NONE_USABLE = "None of these disks can be used; F5 looks again when you have changed that."
_HELP = (
    "Everything on the chosen disk will be lost; the last page says so again, by name, before"
    " anything is written. Disks that are in use are shown with what holds them. F5 looks again:"
    " for a disk that was just attached or released."
)
_COUNT_HELP = (
    "One disk is what most machines have. With several, the first of the list gets the system, and"
    " you say on the next page which partitions are on which disk."
)


class DiskPage(Page):
    section = Section.DISK
    heading = "Disk"
    help_text = _HELP
    BINDINGS: ClassVar = [Binding("f5", "rescan", "Look again")]

    def __init__(self, session: Session, *, first: bool = False) -> None:
        super().__init__(session, first=first)
        self._survey: Survey | None = None
        self._looked = asyncio.Event()
        self._wanted: tuple[str, ...] = ()

    def compose_body(self) -> ComposeResult:
        several = len(devices_of(self.session.draft)) > 1
        yield Static(_LOOKING, id="disk-state", markup=False)
        yield ChoiceField(
            "Which disk shall be installed on?",
            (),
            path=("disk",),
            also=[("disks",)],
            help_text=_HELP,
            id="disk",
        )
        yield ChoiceField(
            "How many disks shall be used?",
            (Choice("one", "One disk"), Choice("several", "Several disks")),
            path=("disk-count",),
            help_text=_COUNT_HELP,
            chosen=["several" if several else "one"],
            id="disk-count",
        )

    def on_mount(self) -> None:
        for field in self.query(ChoiceField):
            field.display = False
        self.action_rescan()

    @property
    def _disks(self) -> ChoiceField:
        return self.query_one("#disk", ChoiceField)

    @work(exclusive=True, group="disks")
    async def action_rescan(self) -> None:
        self._say(_LOOKING)
        try:
            survey = await in_thread(self, self.session.survey)
        except PhotreeError as error:
            self._say(f"{error.message} {error.hint}\nF5 looks again.")
        else:
            first = self._survey is None
            self._survey, self.session.machine = survey, survey.machine
            if first:
                self._wanted = chosen_disks(self.session.draft, survey.machine)
            self._offer(survey)
            if first:
                self._disks.focus_input()
        self._looked.set()

    def on_choice_list_chosen(self, event: ChoiceList.Chosen) -> None:
        if event.list is self._disks.list:
            self._wanted = event.list.chosen
        elif self._survey is not None:
            self._offer(self._survey)

    def answer(self) -> Draft:
        """Without a choice, as it was: a disk that is gone may come back."""
        if self._survey is None or not self._disks.chosen:
            return self.session.draft
        return with_disks(self.session.draft, self._disks.chosen, self._survey.machine)

    async def find_problems(self, draft: Draft) -> tuple[Remark, ...]:
        await self._looked.wait()
        if self._survey is None:
            return (Remark((), "The disks of this machine are not known.", "F5 looks again"),)
        answer = self.answer()
        images = "disks" in answer.keys and not chosen_disks(answer, self._survey.machine)
        if not self._disks.chosen and not images:
            return (Remark(("disk",), "choose a disk, with Space or Enter"),)
        return await super().find_problems(answer)

    def _offer(self, survey: Survey) -> None:
        """Show the disks; what was chosen stays so."""
        several = self.query_one("#disk-count", ChoiceField).value == "several"
        wanted = self._wanted if several else self._wanted[:1]
        offered = survey.choices(wanted, several=several)
        choices = [Choice(each.path, each.title, each.contents, each.refused) for each in offered]
        self._disks.list.fill(choices, wanted, several=several)
        for field in self.query(ChoiceField):
            field.display = bool(offered)
        lost = [each for each in offered if each.refused and each.path in wanted]
        if not offered:
            self._say(_NO_DISK)
        elif lost:
            said = [f"{each.path} was chosen, but {each.refused}." for each in lost]
            self._say("\n".join([*said, "Choose another one, or F5 to look again."]))
        else:
            usable = any(not each.refused for each in offered)
            self._say("" if usable else _NONE_USABLE)

    def _say(self, text: str) -> None:
        state = self.query_one("#disk-state", Static)
        state.update(text)
        state.display = bool(text)
