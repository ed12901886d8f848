"""Every kind of transaction and where its class is: a job's specification names the kind."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from engine.errors import PhotreeError
from engine.transactions.transaction import Transaction

KINDS: Mapping[str, str] = {
    "apply-live": "engine.transactions.apply_live:ApplyLive",
    "cleanup": "engine.transactions.cleanup:Cleanup",
    "deploy": "engine.transactions.deploy:Deploy",
    "finalize-deployment": "engine.transactions.finalize:FinalizeDeployment",
    "initramfs": "engine.transactions.initramfs:Initramfs",
    "kargs": "engine.transactions.kernel_arguments:KernelArguments",
    "packages": "engine.transactions.packages:ChangePackages",
    "pin": "engine.transactions.pin:Pin",
    "preview-upgrade": "engine.transactions.preview:PreviewUpgrade",
    "rebase": "engine.transactions.rebase:Rebase",
    "reset": "engine.transactions.reset:Reset",
    "rollback": "engine.transactions.rollback:Rollback",
    "undeploy": "engine.transactions.undeploy:Undeploy",
    "upgrade": "engine.transactions.upgrade:Upgrade",
    "usroverlay": "engine.transactions.usroverlay:UsrOverlay",
}


def transaction_class(kind: str, kinds: Mapping[str, str] = KINDS) -> type[Transaction]:
    """The class of a kind; only its module is imported. Raises PhotreeError for an unknown kind."""
    module, _colon, name = kinds.get(kind, "").partition(":")
    if not module:
        raise PhotreeError(
            f"There is no kind of transaction {kind!r}.",
            "It was started by another version of photree: start it again.",
        )
    found: type[Transaction] = getattr(importlib.import_module(module), name)
    return found
