"""What an administrator decided about the next boot, and nobody else may undo."""

from __future__ import annotations

from engine.sysroot import Deployment
from engine.transactions.host import Host


def chosen_by_hand(host: Host) -> str:
    """Why an upgrade that nobody asked for must not be made now, as a sentence, or "".

    Packages, kernel arguments and other changes of the tree that runs are no reason: an upgrade
    goes on from them, and nothing of them is lost. A rollback, another version, another ref and a
    deployment that is to wait would be.
    """
    # who only starts the job does not need what carries it out
    from engine.transactions.next_deployment import FINALIZATION_LOCK  # noqa: PLC0415

    pending, newest = host.pending, host.newest
    name = _name(host, newest)
    if pending is not None and not pending.staged:  # put first, or another one was booted by hand
        return f"{name} was chosen for the next boot, so nothing is staged over it before that."
    if pending is not None and FINALIZATION_LOCK.exists():
        return f"{name} is staged, and waits for `photree finalize-deployment`."
    if newest.origin.override_commit is not None:
        return f"{name} was deployed to stay, until somebody runs `photree upgrade`."
    if newest.origin.refspec != host.current.origin.refspec:
        return f"{name} of {newest.origin.refspec} was chosen for the next boot (`photree rebase`)."
    return ""


def _name(host: Host, deployment: Deployment) -> str:
    commit = host.sysroot.repo.load_commit(deployment.commit)
    return commit.version or commit.checksum[:10]
