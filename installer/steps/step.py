"""What every step is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from installer.context import Context


class Step(ABC):
    """One verb of an installation.

    id: short and stable, for programs. title: what a user reads while it runs. weight: its usual
    share of the whole time, in tenths of a second of a typical installation.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    weight: ClassVar[int] = 1

    @abstractmethod
    def do(self, ctx: Context) -> None:
        """Do it. Raises PhotreeError."""

    def undo(self, ctx: Context) -> None:  # noqa: B027 - most steps hold nothing
        """Release what `do` took (mounts, loop devices), even if it stopped half-way.

        Called once, after success too. It does not restore what was wiped, and uses only
        `doors.cleanup` for commands, so that it works after a cancellation.
        """
