"""What a user may call a commit: refs, commit ids, and deployments of the machine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.errors import OstreeError
from engine.repo import Commit, Repo
from engine.sysroot import Deployment, Sysroot
from engine.transactions.host import Host

WORDS = ("booted", "pending", "rollback")
_INDEX = re.compile("[0-9]{1,2}")  # as abbreviated commit ids these would be of no use
_INTERNAL = ("ostree/", "rpmostree/")  # refs that keep deployments and unpacked packages
_LAYERED = "rpmostree.clientlayer"


@dataclass(frozen=True)
class Revision:
    """A commit, and what the user called it."""

    text: str
    commit: str

    def __str__(self) -> str:
        """As rpm-ostree prints it: "REF (COMMIT)", or the commit's id alone."""
        return self.commit if self.text == self.commit else f"{self.text} ({self.commit})"


def find_revision(
    repo: Repo, text: str, sysroot: Sysroot | None = None, *, base: bool = False
) -> Revision | None:
    """The commit that text names, None when it names none.

    text: a ref, "remote:ref", a full or abbreviated commit id; where there is a sysroot also
    `booted`, `pending`, `rollback` or a deployment's index (a ref of that name goes first); each
    with any number of ^ for parents. In a system root that does not run, the deployment that boots
    next counts as booted. base: for a deployment, the commit below what was layered.
    Raises OstreeError for a malformed or ambiguous one, and for a deployment that is not there.
    """
    name = text.rstrip("^")
    parents = text[len(name) :]
    if (
        sysroot is not None
        and (name in WORDS or _INDEX.fullmatch(name))
        and not _is_ref(repo, name)
    ):
        deployment = _deployment(sysroot, name)
        if deployment is None:
            return None
        name = base_commit(repo, deployment.commit).checksum if base else deployment.commit
    commit = repo.resolve(name + parents)
    return None if commit is None else Revision(text, commit)


def resolve_revision(
    repo: Repo, text: str, sysroot: Sysroot | None = None, *, base: bool = False
) -> Revision:
    """As `find_revision`, but raises OstreeError, naming what there is, when text names nothing."""
    found = find_revision(repo, text, sysroot, base=base)
    if found is not None:
        return found
    name = text.rstrip("^")
    if name != text and find_revision(repo, name, sysroot) is not None:
        raise OstreeError(
            f"{name!r} has no parent that {text!r} could mean.", "`photree log` lists its history."
        )
    if sysroot is not None and _INDEX.fullmatch(name):
        count = len(sysroot.deployments)
        raise OstreeError(
            f"There is no deployment with the index {name} in {sysroot.path}.",
            f"There are {count}, counted from 0: see `photree status -v`.",
        )
    if sysroot is not None and name in WORDS:
        raise OstreeError(
            f"There is no {name} deployment in {sysroot.path}.", "See `photree status`."
        )
    refs = ", ".join(ref for ref in repo.refs() if not ref.startswith(_INTERNAL)) or "none"
    words = f" Or say {', '.join(WORDS)} or a deployment's index." if sysroot is not None else ""
    raise OstreeError(
        f"The repository {repo.path} has no ref or commit {name!r}.", f"Its refs: {refs}.{words}"
    )


def default_revisions(sysroot: Sysroot, *, base: bool = False) -> tuple[Revision, Revision]:
    """What is compared when nothing is named: the booted deployment against the pending one, or
    the rollback one against the booted one. Raises OstreeError when there is only one."""
    host = Host.of(sysroot)
    if host.pending is not None:
        return _named(sysroot, host.current, base), _named(sysroot, host.pending, base)
    if host.rollback is not None:
        return _named(sysroot, host.rollback, base), _named(sysroot, host.current, base)
    raise OstreeError(
        "There is no pending or rollback deployment to compare with.",
        "Name what to compare: a ref, a commit or its parent (REF^).",
    )


def booted_revision(sysroot: Sysroot, *, base: bool = False) -> Revision:
    """The booted deployment (of a system root that does not run: the one that boots next)."""
    return _named(sysroot, Host.of(sysroot).current, base)


def base_commit(repo: Repo, commit: str) -> Commit:
    """The commit itself, or the one below it when packages were layered on that."""
    found = repo.load_commit(commit)
    return repo.load_commit(found.parent) if is_layered(found) and found.parent else found


def is_layered(commit: Commit) -> bool:
    """Whether the commit was assembled on a host, on top of its parent."""
    return bool(commit.metadata.get(_LAYERED, "rpmostree.spec" in commit.metadata))


def _named(sysroot: Sysroot, deployment: Deployment, base: bool) -> Revision:
    host = Host.of(sysroot)
    words = {"pending": host.pending, "rollback": host.rollback}
    name = next((word for word, each in words.items() if each == deployment), "booted")
    if name == "booted" and not deployment.booted:
        name = "first"
    commit = base_commit(sysroot.repo, deployment.commit).checksum if base else deployment.commit
    return Revision(f"{name} deployment", commit)


def _deployment(sysroot: Sysroot, name: str) -> Deployment | None:
    if _INDEX.fullmatch(name):
        return next((each for each in sysroot.deployments if each.index == int(name)), None)
    host = Host.of(sysroot)
    return {"booted": host.current, "pending": host.pending, "rollback": host.rollback}[name]


def _is_ref(repo: Repo, name: str) -> bool:
    return name in repo.refs(name)
