"""Change the kernel arguments that the next boot uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.sysroot import Deployment
from engine.transactions.host import Host, HostTransaction
from engine.transactions.next_deployment import REBOOT_HINT, NextDeployment
from engine.transactions.transaction import Result


@dataclass(frozen=True)
class KernelArguments(HostTransaction):
    """A new deployment of the same commit with other kernel arguments, each as KEY[=VALUE].

    replace: KEY=NEW, or KEY=OLD=NEW for a key that is there several times. edited: all arguments,
    in place of every other change. Deletions come first, then replacements, then what is appended.
    """

    kind: ClassVar[str] = "kargs"
    append: tuple[str, ...] = ()
    append_if_missing: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    delete_if_present: tuple[str, ...] = ()
    edited: tuple[str, ...] | None = None

    @property
    def title(self) -> str:
        if self.edited is not None:
            return "kargs --editor"
        named = {
            "append": self.append,
            "append-if-missing": self.append_if_missing,
            "replace": self.replace,
            "delete": self.delete,
            "delete-if-present": self.delete_if_present,
        }
        words = [f"--{name}={value}" for name, values in named.items() for value in values]
        return " ".join(["kargs", *words])

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        former = host.newest
        arguments = self.edited if self.edited is not None else self._applied(former)
        _require_ostree(former.kernel_arguments, arguments)
        if arguments == former.kernel_arguments:
            return Result(False, "No changes.")
        made = NextDeployment(host, emit, cancel).deploy(former.origin, former.commit, arguments)
        hint = f"\n{REBOOT_HINT}" if host.sysroot.is_booted else ""
        return Result(True, f"Kernel arguments updated.{hint}", made.id)

    def _applied(self, former: Deployment) -> tuple[str, ...]:
        words = list(former.kernel_arguments)
        for wanted in self.delete:
            _delete(words, wanted)
        for wanted in self.delete_if_present:
            if _matching(words, wanted):
                _delete(words, wanted)
        for wanted in self.replace:
            _replace(words, wanted)
        words += self.append
        words += [word for word in self.append_if_missing if word not in words]
        return tuple(words)


def _matching(words: Sequence[str], wanted: str) -> list[str]:
    """KEY=VALUE means exactly that argument, KEY all with that key, with or without a value."""
    if "=" in wanted:
        return [word for word in words if word == wanted]
    return [word for word in words if word.partition("=")[0] == wanted]


def _delete(words: list[str], wanted: str) -> None:
    words.remove(_only(words, wanted))


def _replace(words: list[str], wanted: str) -> None:
    """KEY=NEW or KEY=OLD=NEW; the new argument takes the place of the old one."""
    key = wanted.partition("=")[0]
    for word in words:
        # values may have "=" in them, as in root=UUID=...
        if word.startswith(f"{key}=") and wanted.startswith(f"{word}="):
            words[words.index(word)] = f"{key}={wanted.removeprefix(f'{word}=')}"
            return
    words[words.index(_only(words, key))] = wanted


def _only(words: Sequence[str], wanted: str) -> str:
    """The one argument that is meant. Raises OstreeError for none and for several."""
    found = _matching(words, wanted)
    if not found:
        raise OstreeError(
            f"There is no kernel argument {wanted!r}.", "`photree kargs` shows all of them."
        )
    if len(set(found)) > 1:
        raise OstreeError(
            f"There are several kernel arguments {wanted!r}: {', '.join(found)}.",
            f"Name one with its value: {found[0]}.",
        )
    return found[0]


def _require_ostree(former: Sequence[str], arguments: Sequence[str]) -> None:
    """`ostree=` says which deployment boots: without it nothing would."""
    if any(word.startswith("ostree=") for word in former) != any(
        word.startswith("ostree=") for word in arguments
    ):
        raise OstreeError("The kernel argument ostree= cannot be removed or added.")
