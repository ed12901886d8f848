"""Remove one deployment, or all that are pending or for rollback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.sysroot import Deployment, Sysroot
from engine.transactions.host import Host, HostTransaction
from engine.transactions.kept_refs import keep_only
from engine.transactions.transaction import Result


@dataclass(frozen=True)
class Undeploy(HostTransaction):
    """Remove the deployment with this index in the boot order, whatever stateroot it is of."""

    kind: ClassVar[str] = "undeploy"
    index: int = 0

    @property
    def title(self) -> str:
        return f"undeploy {self.index}"

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        target = deployment_at(host.sysroot, self.index)
        if target.booted:
            raise OstreeError(
                f"The deployment {self.index} is booted: it cannot be removed.",
                "Boot another one first: `photree rollback --reboot`.",
            )
        if target.pinned:
            raise OstreeError(
                f"The deployment {self.index} is pinned: it cannot be removed.",
                f"Unpin it first: `photree pin --unpin {self.index}`.",
            )
        others = [each for each in host.sysroot.deployments if each.index != self.index]
        if not others:
            raise OstreeError(
                f"The deployment {self.index} is the only one: nothing could boot without it."
            )
        cancel.check()
        keep_only(host.sysroot, others)
        return Result(True, f"Deleted deployment {target.id}")


def deployment_at(sysroot: Sysroot, index: int) -> Deployment:
    """Raises OstreeError when there is no deployment with that index."""
    deployments = sysroot.deployments
    if not 0 <= index < len(deployments):
        last = len(deployments) - 1
        raise OstreeError(
            f"There is no deployment {index}.",
            f"They are numbered from 0 to {last} in boot order: `photree status -v`.",
        )
    return deployments[index]
