"""The questions of a dry session: the facts of any machine, and installations that only show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.command import Commands
from engine.errors import PhotreeError
from installer.inquiries import MachineInquiries
from installer.network_facts import Link
from installer.probe import Machine
from installer.sticks import Stick

if TYPE_CHECKING:
    from installer.installations import Installations


class DryInquiries(MachineInquiries):
    """machine: the facts of another machine, None for those of this one."""

    def __init__(self, commands: Commands, machine: Machine | None = None) -> None:
        super().__init__(commands)
        self._recorded = machine
        self._installations: Installations | None = None

    def machine(self) -> Machine:
        return self._recorded if self._recorded is not None else super().machine()

    def links(self) -> Sequence[Link]:
        return () if self._recorded is not None else super().links()

    def save_to_stick(self, text: str, stick: Stick, name: str) -> str:
        raise PhotreeError(
            "A dry run does not write to disks, not even to a stick.", "Save it to a file."
        )

    def restart(self, *, power_off: bool) -> None:
        """The machine stays as it is."""

    @property
    def installations(self) -> Installations:
        from installer.replay import ReplayedInstallations  # noqa: PLC0415 - loads jobs

        if self._installations is None:
            self._installations = ReplayedInstallations()
        return self._installations
