"""Whether this machine makes an initramfs of its own, and what is added to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.cancel import CancelToken
from engine.events import Emit
from engine.transactions.host import Host, HostTransaction
from engine.transactions.next_deployment import NextDeployment
from engine.transactions.transaction import Result


@dataclass(frozen=True)
class Initramfs(HostTransaction):
    """regenerate: make one here, by dracut with these arguments; else the tree's own is used."""

    kind: ClassVar[str] = "initramfs"
    regenerate: bool = True
    arguments: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return "initramfs --enable" if self.regenerate else "initramfs --disable"

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        following = NextDeployment(host, emit, cancel)
        former = host.newest
        before = former.origin.carried_over()
        origin = before.with_initramfs(self.regenerate, self.arguments)
        if origin == before:
            state = "enabled" if self.regenerate else "disabled"
            return Result(False, f"Initramfs regeneration is already {state}")
        commit = following.assemble(origin, following.base_of(former).checksum)
        made = following.deploy(origin, commit)
        state = "enabled" if self.regenerate else "disabled"
        text = f"Initramfs regeneration is now: {state}\n{following.describe_change(made)}"
        return Result(True, text.strip(), made.id)
