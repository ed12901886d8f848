"""Go back to the former deployment, or forth again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.sysroot import Deployment
from engine.transactions.host import Host, HostTransaction
from engine.transactions.next_deployment import REBOOT_HINT
from engine.transactions.transaction import Result


@dataclass(frozen=True)
class Rollback(HostTransaction):
    """The rollback deployment boots next. Without one, but with a pending one, the current
    deployment boots next again; so it can be done any number of times before a reboot."""

    kind: ClassVar[str] = "rollback"

    @property
    def title(self) -> str:
        return "rollback"

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        target = rollback_target(host)
        others = [each for each in host.sysroot.deployments if each.id != target.id]
        cancel.check()
        host.sysroot.write_order([target, *others])
        hint = f"\n{REBOOT_HINT}" if not target.booted and host.sysroot.is_booted else ""
        return Result(True, f"Moving '{target.id}' to be first deployment{hint}", target.id)


def rollback_target(host: Host) -> Deployment:
    """The deployment that `Rollback` puts first. Raises OstreeError when there is none."""
    pending = host.pending
    if pending is not None and pending.staged:
        raise OstreeError(
            "A deployment is staged for the next boot, so there is nothing to go back from yet.",
            "Discard it with `photree cleanup -p`.",
        )
    if host.rollback is not None:
        return host.rollback
    if pending is not None:
        return host.current
    raise OstreeError(
        f"There is no deployment of {host.osname} to go back to.",
        "`photree log` lists former versions, `photree deploy VERSION` brings one back.",
    )
