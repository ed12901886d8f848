"""Follow another ref, or another remote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.origin import Origin
from engine.ostree import OSTree, translated
from engine.transactions.deploy import find_revision
from engine.transactions.host import Host, HostTransaction
from engine.transactions.next_deployment import NextDeployment
from engine.transactions.transaction import Result


@dataclass(frozen=True)
class Rebase(HostTransaction):
    """refspec: REMOTE:REF; "REMOTE:" keeps the ref, "REF" (or ":REF") the remote. revision: as for
    `Deploy`, of the new ref. skip_purge: keep the former ref in the repository."""

    kind: ClassVar[str] = "rebase"
    refspec: str = ""
    revision: str = ""
    skip_purge: bool = False
    lock_finalization: bool = False

    @property
    def title(self) -> str:
        return f"rebase {self.refspec} {self.revision}".strip()

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        following = NextDeployment(host, emit, cancel)
        former = host.newest
        refspec = complete_refspec(former.origin.refspec or "", self.refspec)
        if refspec == former.origin.refspec and not self.revision:
            raise OstreeError(
                f"Old and new refs are equal: {refspec}.", "Use `photree upgrade` to update."
            )
        origin: Origin = former.origin.with_refspec(refspec)
        if self.revision:
            commit = find_revision(following, origin, self.revision, emit)
            origin = origin.with_override_commit(commit)
        deployed = following.assemble(origin, following.pull(origin))
        made = following.deploy(origin, deployed, locked=self.lock_finalization)
        if not self.skip_purge and former.origin.refspec not in (None, refspec):
            following.drop_ref(str(former.origin.refspec))
        return Result(True, following.describe_change(made), made.id)


def complete_refspec(former: str, wanted: str) -> str:
    """What wanted leaves out comes from former. Raises OstreeError for what is no refspec."""
    remote, _colon, ref = wanted.rpartition(":")
    with translated(f"use the refspec {former!r}"):
        old_remote, old_ref = OSTree.parse_refspec(former)[1:] if former else ("", "")
    remote = remote or old_remote or ""
    ref = ref or old_ref or ""
    completed = f"{remote}:{ref}" if remote else ref
    if not ref:
        raise OstreeError(f"{wanted!r} names no ref.", "Write REMOTE:REF.")
    with translated(f"use the refspec {completed!r}"):
        OSTree.parse_refspec(completed)
    return completed
