"""Keep deployments, whatever is deployed later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.transactions.host import Host, HostTransaction
from engine.transactions.transaction import Result
from engine.transactions.undeploy import deployment_at


@dataclass(frozen=True)
class Pin(HostTransaction):
    """Pin, or unpin, the deployments with these indices in the boot order."""

    kind: ClassVar[str] = "pin"
    indices: tuple[int, ...] = ()
    unpin: bool = False

    @property
    def title(self) -> str:
        verb = "unpin" if self.unpin else "pin"
        return " ".join([verb, *map(str, self.indices)])

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        targets = [deployment_at(host.sysroot, index) for index in self.indices]
        staged = next((each for each in targets if each.staged), None)
        if staged is not None:
            raise OstreeError(
                f"The deployment {staged.index} is staged: it cannot be pinned yet.",
                "Pin it after the next boot.",
            )
        state = "unpinned" if self.unpin else "pinned"
        lines = []
        changed = [each for each in targets if each.pinned == self.unpin]
        for target in targets:
            if target in changed:
                host.sysroot.set_pinned(target, not self.unpin)
                lines.append(f"Deployment {target.index} is now {state}")
            else:
                lines.append(f"Deployment {target.index} is already {state}")
        return Result(bool(changed), "\n".join(lines))
