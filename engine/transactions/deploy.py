"""Deploy one version or commit of the followed ref, and stay there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit, LogLine
from engine.origin import Origin
from engine.transactions.host import Host, HostTransaction
from engine.transactions.next_deployment import NextDeployment
from engine.transactions.transaction import Result

_CHECKSUM = re.compile("[0-9a-f]{64}")
_ABBREVIATED = re.compile("[0-9a-f]{6,63}")


@dataclass(frozen=True)
class Deploy(HostTransaction):
    """revision: a version, a commit id (full, or abbreviated if it is here), "revision=COMMIT" or
    "version=VERSION". The origin keeps it as override-commit until the next upgrade."""

    kind: ClassVar[str] = "deploy"
    revision: str = ""
    lock_finalization: bool = False

    @property
    def title(self) -> str:
        return f"deploy {self.revision}"

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        following = NextDeployment(host, emit, cancel)
        former = host.newest
        commit = find_revision(following, former.origin, self.revision, emit)
        origin = former.origin.carried_over().with_override_commit(commit)
        deployed = following.assemble(origin, following.pull(origin))
        if (deployed, origin) == (former.commit, former.origin.carried_over()):
            return Result(False, f"{self.revision} is deployed already.")
        made = following.deploy(origin, deployed, locked=self.lock_finalization)
        return Result(True, following.describe_change(made), made.id)


def find_revision(following: NextDeployment, origin: Origin, revision: str, emit: Emit) -> str:
    """The commit that a user means. Looks for versions among the commits of the origin's ref, the
    newest first, on its server. Raises OstreeError naming the versions that were seen."""
    kind, equals, value = revision.partition("=")
    if equals and kind not in ("revision", "version"):
        raise OstreeError(
            f"{revision!r} is no revision.", "Give a version, a commit id, or revision=COMMIT."
        )
    text = value if equals else revision
    if kind != "version" or not equals:
        if _CHECKSUM.fullmatch(text):
            return text
        if _ABBREVIATED.fullmatch(text):
            found = following.repo.resolve(text)
            if found is not None:
                return found
    if equals and kind == "revision":
        raise OstreeError(f"There is no commit {text!r} here.", "Give all of its 64 hex digits.")
    emit(LogLine(f"Resolving version '{text}'"))
    seen: list[str] = []
    for commit in following.history(origin):
        if commit.version == text:
            return commit.checksum
        seen.append(commit.version or commit.checksum[:10])
    raise OstreeError(
        f"There is no version {text!r} of {origin.refspec}.",
        f"There are: {', '.join(seen[:10]) or 'none'}{' ...' if len(seen) > 10 else ''}.",
    )
