"""Back to the pure base tree: without the local changes of packages and initramfs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.cancel import CancelToken
from engine.events import Emit
from engine.origin import Origin
from engine.transactions.host import Host, HostTransaction
from engine.transactions.next_deployment import NextDeployment
from engine.transactions.transaction import Result


@dataclass(frozen=True)
class Reset(HostTransaction):
    """overlays: layered packages; overrides: removed and replaced ones; initramfs: its own one.
    None of them means all."""

    kind: ClassVar[str] = "reset"
    overlays: bool = False
    overrides: bool = False
    initramfs: bool = False

    @property
    def title(self) -> str:
        return "reset"

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        following = NextDeployment(host, emit, cancel)
        former = host.newest
        origin = self._without_changes(former.origin.carried_over())
        if origin == former.origin.carried_over():
            return Result(False, "No change.")
        commit = following.assemble(origin, following.base_of(former).checksum)
        made = following.deploy(origin, commit)
        return Result(True, following.describe_change(made), made.id)

    def _without_changes(self, origin: Origin) -> Origin:
        everything = not (self.overlays or self.overrides or self.initramfs)
        if self.overlays or everything:
            origin = origin.with_packages(()).with_local_packages(())
            origin = origin.with_local_fileoverride_packages(())
        if self.overrides or everything:
            origin = origin.with_removals(()).with_local_replacements(()).with_replacements(())
        if self.initramfs or everything:
            origin = origin.with_initramfs(False).with_initramfs_etc(())
        return origin
