"""What every change of a machine's deployments has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from engine.cancel import CancelToken
from engine.events import Emit


@dataclass(frozen=True)
class Result:
    """What a transaction ended with. changed: False when there was nothing to do (the verbs that
    can say so exit with 77). message: lines for the user, in rpm-ostree's words. deployment: the id
    of the one that was made, "" for none. reboot: the machine is to be restarted now. details: what
    a program may want to know, as JSON has it."""

    changed: bool
    message: str = ""
    deployment: str = ""
    reboot: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Transaction(ABC):
    """A change, described by plain values (text, numbers, tuples of them), so that it can be
    written down and handed to a job's process.

    sysroot: the path of the system root, "/" for the running machine.
    """

    kind: ClassVar[str]  # its name in a job's specification, unique
    sysroot: str = "/"

    @property
    @abstractmethod
    def title(self) -> str:
        """What it does, as an administrator would say it: "install vim wget"."""

    @abstractmethod
    def execute(self, emit: Emit, cancel: CancelToken) -> Result:
        """Do it. Nothing is visible in the system root until one last atomic step.

        Raises PhotreeError (Cancelled included); the deployments are then as they were.
        """


Execute = Callable[[Transaction, Emit], Result]
