"""A writable /usr for the running deployment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.ostree import OSTree, run_blocking, translated
from engine.sysroot import Sysroot
from engine.transactions.transaction import Result, Transaction

_STATES = {
    "development": OSTree.DeploymentUnlockedState.DEVELOPMENT,
    "transient": OSTree.DeploymentUnlockedState.TRANSIENT,
    "hotfix": OSTree.DeploymentUnlockedState.HOTFIX,
}
_MESSAGES = {
    "development": "Development mode enabled.  A writable overlayfs is now mounted on /usr.\n"
    "All changes there will be discarded on reboot.",
    "transient": "A read-only overlayfs is now mounted on /usr; remount it writable in a mount\n"
    "namespace of your own. All changes there will be discarded on reboot.",
    "hotfix": "Hotfix mode enabled.  A writable overlayfs is now mounted on /usr for this booted\n"
    "deployment. A non-hotfixed clone has been created as a rollback target.",
}


@dataclass(frozen=True)
class UsrOverlay(Transaction):
    """mode: development (writable until the reboot), transient (read-only until remounted) or
    hotfix (kept for as long as the deployment is booted)."""

    kind: ClassVar[str] = "usroverlay"
    mode: str = "development"

    @property
    def title(self) -> str:
        return "usroverlay" if self.mode == "development" else f"usroverlay --{self.mode}"

    def execute(self, emit: Emit, cancel: CancelToken) -> Result:
        # The layer must be seen by the whole machine, a writable /sysroot by us alone.
        sysroot = Sysroot.load(Path(self.sysroot), writable=True, propagate=True)
        booted = sysroot.booted
        if booted is None:
            raise OstreeError(
                f"The system root {self.sysroot} is not booted, so there is no /usr to unlock.",
                "Run it on the machine itself.",
            )
        if booted.unlocked != "none":
            raise OstreeError(f"The deployment is already unlocked: {booted.unlocked}.")
        cancel.check()
        with sysroot.locked(), translated("unlock the booted deployment"):
            run_blocking(
                lambda _native: sysroot.native.deployment_unlock(
                    booted.native, _STATES[self.mode], None
                )
            )
        return Result(True, _MESSAGES[self.mode], booted.id)
