"""From an origin to the deployment that boots next: its base commit is pulled, checked, deployed.

On the booted system a new deployment is staged: it takes its place when the machine shuts down.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cancel import CancelToken
from engine.differences.packages import package_changes
from engine.errors import OstreeError
from engine.events import Emit
from engine.layering.changes import LocalChanges
from engine.layering.steps import LAYERING_STEPS
from engine.origin import Origin
from engine.ostree import OSTree, translated
from engine.pull import pull, pull_commit_object
from engine.repo import Commit, Repo
from engine.revisions import base_commit
from engine.steps import Steps
from engine.sysroot import Deployment
from engine.transactions.host import Host
from engine.transactions.kept_refs import keep_base, update_kept_refs
from engine.treebuilder import committed_tree, directory_at

if TYPE_CHECKING:
    from engine.layering.plan import LayerPlan
    from engine.layering.sources import PackageSources
    from engine.packages.host_repositories import RepositoryChoice
    from engine.transactions.layers import Layers

FINALIZATION_LOCK = Path("/run/ostree/staged-deployment-locked")
REBOOT_HINT = 'Run "systemctl reboot" to start a reboot'
_STEPS = {
    "check": "Look for the commit",
    "pull": "Pull the tree",
    "solve": "Choose packages",
    **LAYERING_STEPS,
    "deploy": "Make the deployment",
}
_IMAGES = ("vmlinuz", "initramfs.img", "initramfs", "devicetree")
_BOOT_SLACK = 1 << 20  # bytes for boot entries and directories


class NextDeployment:
    """Makes one deployment for a host."""

    def __init__(
        self,
        host: Host,
        emit: Emit,
        cancel: CancelToken,
        choice: RepositoryChoice | None = None,
        *,
        cached: bool = False,
    ) -> None:
        """choice: which RPM repositories may be asked (default: all that are enabled). cached: use
        the metadata of them that is here."""
        self._host = host
        self._present = host.current.commit
        self._emit = emit
        self._cancel = cancel
        self._step = Steps(_STEPS, emit, cancel, numbered=False)
        self._choice = choice
        self._cached = cached

    @property
    def repo(self) -> Repo:
        return self._host.sysroot.repo

    @cached_property
    def _layers(self) -> Layers:
        from engine.packages.host_repositories import RepositoryChoice  # noqa: PLC0415
        from engine.transactions.layers import Layers  # noqa: PLC0415 - see LAYERING_STEPS

        choice = self._choice or RepositoryChoice()
        return Layers(self._host, choice, self._step, cached=self._cached)

    def base_of(self, deployment: Deployment) -> Commit:
        """The commit of the followed ref that the deployment was made of."""
        return base_commit(self.repo, deployment.commit)

    def look(self, origin: Origin) -> Commit:
        """The commit that the origin leads to by now, without its tree."""
        with self._step("check"):
            return next(self.history(origin))

    def look_into(self, origin: Origin, commit: Commit, directories: Sequence[str]) -> None:
        """Bring some directories of a commit of the origin's ref ("/usr/etc")."""
        remote, ref = self._source(origin)
        if remote:
            with self._step("check"):
                pull_commit_object(
                    self.repo,
                    remote,
                    ref,
                    commit=commit.checksum,
                    directories=directories,
                    emit=self._emit,
                    cancel=self._cancel,
                )

    def history(self, origin: Origin) -> Iterator[Commit]:
        """The commits of the origin's ref as its server has them, the newest first."""
        remote, ref = self._source(origin)
        if not remote:
            yield from self.repo.log(ref)
            return
        wanted: str | None = None
        while True:
            commit = pull_commit_object(
                self.repo, remote, ref, commit=wanted, emit=self._emit, cancel=self._cancel
            )
            yield commit
            if commit.parent is None:
                return
            wanted = commit.parent

    def pull(self, origin: Origin, accept: Callable[[Commit], None] = lambda _commit: None) -> str:
        """Bring the origin's base commit: its override-commit, else what its ref names by now.

        accept: gets the commit before its tree is transferred, raises what is wrong with it.
        """
        remote, ref = self._source(origin)
        if not remote:
            commit = origin.override_commit or self.repo.require(ref)
            accept(self.repo.load_commit(commit))
            return commit
        with self._step("pull"):
            former = self.repo.resolve(f"{remote}:{ref}")
            commit = pull(
                self.repo,
                remote,
                ref,
                commit=origin.override_commit,
                emit=self._emit,
                cancel=self._cancel,
                accept=accept,
            )
            if origin.override_commit is not None and former is not None:
                self.repo.set_ref(f"{remote}:{ref}", former)
        return commit

    def assemble(self, origin: Origin, base: str) -> str:
        """The commit to deploy: base itself, or base with the origin's changes of packages."""
        return self.carry_out(self.plan(origin, base), base)

    def sources(self, base: str) -> PackageSources:
        """The RPM repositories, as they are for a tree that is made of base."""
        return self._layers.sources(base)

    def plan(self, origin: Origin, base: str) -> LayerPlan | None:
        """What the origin's changes mean for base; None when it has none."""
        if not origin.assembled:
            return None
        with self._step("solve"):
            return self._layers.plan(LocalChanges.of(origin), base)

    def carry_out(self, plan: LayerPlan | None, base: str) -> str:
        """The commit of a plan for base. One that is deployed already is used again."""
        if plan is None or plan.is_empty:
            return base
        known = self._layers.find(plan)
        if known is not None:
            return known
        keep_base(self.repo, base)
        return self._layers.write(plan)

    def deploy(
        self,
        origin: Origin,
        commit: str,
        kernel_arguments: Sequence[str] | None = None,
        *,
        locked: bool = False,
    ) -> Deployment:
        """Make commit the deployment that boots next. kernel_arguments: default the newest's.
        locked: when staged, it waits for `finalize-deployment`."""
        sysroot, current = self._host.sysroot, self._host.current
        arguments = self._host.newest.kernel_arguments
        if kernel_arguments is not None:
            arguments = tuple(kernel_arguments)
        with self._step("deploy"):
            self._check_boot_space(commit)
            make = sysroot.stage if sysroot.is_booted else sysroot.deploy
            if sysroot.is_booted:
                lock_finalization(locked)
            made = make(
                self._host.osname,
                commit,
                origin.carried_over(),
                arguments,
                merge=current,
                cancel=self._cancel,
            )
            update_kept_refs(sysroot)
        return made

    def describe_change(self, made: Deployment) -> str:
        """The packages that differ from what runs now, and how to start the new deployment."""
        changes = package_changes(
            self.repo.load_commit(self._present), self.repo.load_commit(made.commit)
        )
        lines = [*(changes.lines() if changes is not None else ())]
        if self._host.sysroot.is_booted:
            lines.append(f"Changes queued for next boot. {REBOOT_HINT}")
        return "\n".join(lines)

    def drop_ref(self, refspec: str) -> None:
        """Forget what nothing follows any more."""
        if self.repo.resolve(refspec) is not None:
            self.repo.set_ref(refspec, None)

    def _source(self, origin: Origin) -> tuple[str, str]:
        """(remote, ref) that the origin follows; the remote is "" for a local ref or commit."""
        if origin.unconfigured_state:
            raise OstreeError(f"The origin is not configured: {origin.unconfigured_state}.")
        if origin.refspec is None:
            raise OstreeError(
                "The deployment follows no ref, so there is nothing to pull.",
                "Choose one with `photree rebase REMOTE:REF`.",
            )
        _ok, remote, ref = OSTree.parse_refspec(origin.refspec)
        return remote or "", ref

    def _check_boot_space(self, commit: str) -> None:
        """Kernel and initramfs are copied to /boot, unless a deployment has the same ones."""
        images = _boot_images(self.repo, commit)
        if any(_boot_images(self.repo, each.commit) == images for each in self._host.deployments):
            return
        want = sum(images.values()) + _BOOT_SLACK
        status = os.statvfs(self._host.sysroot.path / "boot")
        free = status.f_bavail * status.f_frsize
        if want > free:
            raise OstreeError(
                f"The kernel of {commit[:10]} needs {want // 10**6} MB in /boot, where "
                f"{free // 10**6} MB are free.",
                "Remove a deployment that is not needed: `photree cleanup -r`, or `undeploy`.",
            )


def lock_finalization(locked: bool) -> None:
    """Whether what is staged must wait; libostree looks for this file when the machine stops."""
    if locked:
        FINALIZATION_LOCK.parent.mkdir(parents=True, exist_ok=True)
        FINALIZATION_LOCK.touch()
    else:
        FINALIZATION_LOCK.unlink(missing_ok=True)


def _boot_images(repo: Repo, commit: str) -> dict[str, int]:
    """The objects of kernels and initramfs in a commit, with their sizes in bytes."""
    tree = committed_tree(repo, commit)
    found: dict[str, int] = {}
    with translated(f"read the kernel of {commit}"):
        modules = directory_at(tree, "usr/lib/modules")
        folders = modules.get_subdirs().values() if modules is not None else ()
        for folder in folders:
            for name, checksum in folder.get_files().items():
                if name in _IMAGES:
                    _ok, _stream, info, _xattrs = repo.native.load_file(checksum, None)
                    found[checksum] = int(info.get_size())
    return found
