"""The errors a user may see: what failed, what to do next, and the raw detail behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with something a user wrote or chose.

    where: the place as the user knows it ("host.yaml:7:12", "/dev/sda", a URL); may be empty.
    """

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{hint}"


class PhotreeError(Exception):
    """A failure with a message for the user.

    message: one sentence, what failed and why, with the place.
    hint: one sentence, what to do next; may be empty.
    detail: raw material for the log (a command's output, a solver's report); may be long.
    """

    def __init__(self, message: str, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail


class CommandError(PhotreeError):
    """A program ended with an error, was missing, or ran over its time."""


class OstreeError(PhotreeError):
    """libostree refused: translated from GLib.Error in `engine.ostree`, nowhere else."""


class PackageError(PhotreeError):
    """An RPM package or repository is missing, broken, or cannot be combined with the others."""


class StorageError(PhotreeError):
    """A disk, partition, file system or mount is not usable."""


class NetworkError(PhotreeError):
    """A URL could not be fetched."""


class SignatureError(PhotreeError):
    """A signature or checksum does not match."""


class Cancelled(PhotreeError):  # noqa: N818 - it is no error
    """The user, or a signal, asked to stop."""

    def __init__(self, message: str = "Cancelled.") -> None:
        super().__init__(message)


class PlanError(PhotreeError):
    """What was asked for cannot be done: carries every problem found, not only the first."""

    def __init__(self, message: str, problems: Sequence[Problem], hint: str = "") -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems)
