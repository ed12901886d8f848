"""Let a deployment that was staged locked take its place, by a reboot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.transactions.host import Host, HostTransaction
from engine.transactions.next_deployment import FINALIZATION_LOCK, lock_finalization
from engine.transactions.transaction import Result


@dataclass(frozen=True)
class FinalizeDeployment(HostTransaction):
    """checksum: of the commit that is expected to be staged, "" for any. allow_unlocked: also when
    it does not wait for this."""

    kind: ClassVar[str] = "finalize-deployment"
    reboot: bool = True
    checksum: str = ""
    allow_unlocked: bool = False

    @property
    def title(self) -> str:
        return f"finalize-deployment {self.checksum}".strip()

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        staged = next((each for each in host.sysroot.deployments if each.staged), None)
        if staged is None:
            raise OstreeError(
                "No deployment is staged for the next boot.", "Make one: `photree upgrade`."
            )
        if self.checksum and staged.commit != self.checksum:
            raise OstreeError(
                f"The commit {staged.commit} is staged, not {self.checksum}.",
                "Look at `photree status -v`.",
            )
        if not FINALIZATION_LOCK.exists() and not self.allow_unlocked:
            raise OstreeError(
                "The staged deployment is not locked: the next reboot starts it in any case.",
                "Use --allow-unlocked to reboot now.",
            )
        cancel.check()
        lock_finalization(False)
        return Result(True, "The staged deployment takes its place when the machine stops.")
