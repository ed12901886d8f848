"""Deploy what the followed ref names by now."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit, LogLine
from engine.health.record import Fallback, read_health
from engine.repo import Commit
from engine.transactions.choices import chosen_by_hand
from engine.transactions.host import Host, HostTransaction
from engine.transactions.transaction import Result

NO_UPGRADE = "No upgrade available."
HELD = "held"  # in a result's details: nothing was looked for, and the message says why


@dataclass(frozen=True)
class Upgrade(HostTransaction):
    """Pull the newest commit of the origin's ref, apply the local changes again, deploy it.

    allow_downgrade: also to a commit that is older than the present one. lock_finalization: stage
    it, but let it take its place only after `finalize-deployment`. automatic: nobody asked for it,
    so it does not undo what an administrator chose for the next boot.
    """

    kind: ClassVar[str] = "upgrade"
    allow_downgrade: bool = False
    lock_finalization: bool = False
    automatic: bool = False

    @property
    def title(self) -> str:
        return "upgrade"

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        # who only starts the job does not need what carries it out
        from engine.transactions.next_deployment import NextDeployment  # noqa: PLC0415

        choice = chosen_by_hand(host) if self.automatic else ""
        if choice:
            return Result(False, choice, details={HELD: True})
        following = NextDeployment(host, emit, cancel)
        former = host.newest
        origin = former.origin.for_upgrade()
        present = following.base_of(former)

        def accept(commit: Commit) -> None:
            if not self.allow_downgrade:
                refuse_older(present, commit)
            if commit.checksum != present.checksum:
                warn_of_failure(host, commit, emit)

        base = following.pull(origin, accept)
        commit = following.assemble(origin, base)
        if (commit, origin) == (former.commit, former.origin.carried_over()):
            return Result(False, NO_UPGRADE)
        made = following.deploy(origin, commit, locked=self.lock_finalization)
        return Result(True, following.describe_change(made), made.id)


def warn_of_failure(host: Host, commit: Commit, emit: Emit) -> Fallback | None:
    """Say so when the machine went back from this commit before; how it failed then."""
    failure = read_health(host.root).failure_of(commit.checksum)
    if failure is not None:
        text = (
            f"{failure.version} (commit {commit.checksum[:10]}) failed on this machine at "
            f"{failure.time}: {failure.reason}"
        )
        emit(LogLine(text, level="warning"))
    return failure


def refuse_older(present: Commit, new: Commit) -> None:
    """A server that offers an old commit again may have been tampered with. Raises OstreeError."""
    if new.timestamp >= present.timestamp:
        return
    dates = [
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(commit.timestamp))
        for commit in (new, present)
    ]
    raise OstreeError(
        f"The commit {new.checksum} of {dates[0]} is older than the present one of {dates[1]}.",
        "If that is wanted, use --allow-downgrade.",
    )
