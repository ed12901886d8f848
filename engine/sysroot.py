"""A system root: its stateroots and deployments, and how a commit becomes one that boots."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.grub_menu import grub_menu_of_tree, uses_grub
from engine.namespace import ensure_private_mounts, enter_propagating_mounts
from engine.origin import Origin
from engine.ostree import Gio, OSTree, run_blocking, translated
from engine.repo import Repo

_STATEROOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LOCK = "ostree/lock"
_UNLOCKED = {
    OSTree.DeploymentUnlockedState.NONE: "none",
    OSTree.DeploymentUnlockedState.DEVELOPMENT: "development",
    OSTree.DeploymentUnlockedState.HOTFIX: "hotfix",
    OSTree.DeploymentUnlockedState.TRANSIENT: "transient",
}


@dataclass(frozen=True)
class Deployment:
    """A deployed tree. index: its place in the boot order, 0 boots next. path: its root
    directory. boot_checksum: of kernel and initramfs. unlocked: none, development, hotfix or
    transient. kernel_arguments: as in its boot entry."""

    index: int
    osname: str
    commit: str
    serial: int
    boot_checksum: str
    boot_serial: int
    origin: Origin
    path: Path
    kernel_arguments: tuple[str, ...] = ()
    booted: bool = False
    staged: bool = False
    pinned: bool = False
    unlocked: str = "none"
    native: Any = field(default=None, repr=False, compare=False)

    @property
    def id(self) -> str:
        """As rpm-ostree names it on the bus and in its JSON."""
        return f"{self.osname}-{self.commit}.{self.serial}"


def initialise_sysroot(path: Path, osname: str, *, grub: str | None = "grub") -> None:
    """Make path (a mounted, empty file system) a system root with one stateroot.

    The layout is the modern one: /boot and /ostree only. grub: the directory below /boot whose
    grub.cfg the machine's GRUB reads ("grub", Photon "grub2"), None for no boot loader.
    Harmless on one that was initialised before. Raises OstreeError.
    """
    if not _STATEROOT.fullmatch(osname):
        raise OstreeError(
            f"{osname!r} is no name for a stateroot.", "Use letters, digits, '.', '-' and '_'."
        )
    (path / "boot").mkdir(mode=0o755, exist_ok=True)
    native = OSTree.Sysroot.new(Gio.File.new_for_path(str(path)))
    with translated(f"initialise the system root {path}"):
        native.ensure_initialized(None)
        stateroot = path / "ostree/deploy" / osname
        if not (stateroot / "var/lib").is_dir():
            native.init_osname(osname, None)
        for folder in ("", "var", "var/lib", "var/log"):  # whatever the caller's umask
            (stateroot / folder).chmod(0o755)
    repo = Repo.open(path / "ostree/repo")
    repo.set_option("sysroot", "readonly", "true")
    repo.set_option("sysroot", "bootloader", "none" if grub is None else "auto")
    if grub is not None:
        prepare_grub_boot(path, grub)


def prepare_grub_boot(path: Path, folder: str = "grub") -> None:
    """Let libostree see that GRUB boots this system, before there is a deployment.

    It looks whether /boot/FOLDER/grub.cfg resolves, and from then on writes loader.N/grub.cfg with
    every set of deployments, which that link leads to.
    """
    boot = path / "boot"
    if not (boot / "loader").is_symlink():
        (boot / "loader.0/entries").mkdir(parents=True, exist_ok=True)
        (boot / "loader.0/grub.cfg").touch()
        (boot / "loader").symlink_to("loader.0")
    (boot / folder).mkdir(exist_ok=True)
    link = boot / folder / "grub.cfg"
    if not link.is_symlink():
        link.symlink_to("../loader/grub.cfg")


class Sysroot:
    """A loaded system root. Its deployments are those of the moment; `reload` looks again."""

    def __init__(self, native: Any, path: Path) -> None:
        self.native = native
        self.path = path
        self._lock_depth = 0

    @classmethod
    def load(
        cls, path: Path = Path("/"), *, writable: bool = False, propagate: bool = False
    ) -> Sysroot:
        """writable: for changes. On the booted system this takes a mount namespace of our own, in
        which libostree may remount /sysroot and /boot: call it from the main thread, early.
        propagate: what is mounted there is seen by the whole machine.
        Raises OstreeError when path is no system root.
        """
        if not (path / "ostree/repo").is_dir():
            raise OstreeError(
                f"{path} is not an OSTree system.",
                "Name another system root with --sysroot PATH."
                if path == Path("/")
                else "Check the path: a system root has /ostree/repo.",
            )
        native = OSTree.Sysroot.new(Gio.File.new_for_path(str(path)))
        with translated(f"load the system root {path}"):
            native.initialize()
            if writable and native.is_booted():
                if propagate:
                    enter_propagating_mounts()
                else:
                    ensure_private_mounts()
                # one that knows the root of the new namespace, not of the one that was left
                native = OSTree.Sysroot.new(Gio.File.new_for_path(str(path)))
                native.initialize()
                native.set_mount_namespace_in_use()
            native.load(None)
        return cls(native, path)

    def reload(self) -> None:
        with translated(f"load the system root {self.path}"):
            self.native.load(None)

    @property
    def repo(self) -> Repo:
        return Repo(self.native.repo(), self.path / "ostree/repo", self.native)

    @property
    def is_booted(self) -> bool:
        """Whether the running system was booted from here."""
        return bool(self.native.is_booted())

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """In boot order."""
        return tuple(self._deployment(native) for native in self.native.get_deployments())

    @property
    def booted(self) -> Deployment | None:
        return next((each for each in self.deployments if each.booted), None)

    @property
    def busy(self) -> bool:
        """Whether somebody holds the lock for changes. Readable without privileges."""
        with contextlib.suppress(OSError):
            inode = (self.path / _LOCK).stat().st_ino
            locks = Path("/proc/locks").read_text().splitlines()
            return any(line.split()[-3].rpartition(":")[2] == str(inode) for line in locks)
        return False

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock that rpm-ostree and `ostree admin` take for changes, too. Blocks that hold
        it may be inside of one another.

        Raises OstreeError that says who holds it.
        """
        if not self._lock_depth:
            self._lock()
        self._lock_depth += 1
        try:
            yield
        finally:
            self._lock_depth -= 1
            if not self._lock_depth:
                self.native.unlock()

    def _lock(self) -> None:
        with translated(f"lock the system root {self.path}"):
            _ok, acquired = self.native.try_lock()
        if not acquired:
            raise OstreeError(
                f"The system root {self.path} is in use by {_lock_holder(self.path / _LOCK)}.",
                "Wait until it has ended, or cancel it.",
            )

    def deploy(
        self,
        osname: str,
        commit: str,
        origin: Origin,
        kernel_arguments: Sequence[str],
        *,
        merge: Deployment | None = None,
        cancel: CancelToken | None = None,
    ) -> Deployment:
        """Make commit the deployment that boots next; returns it.

        kernel_arguments: all of them, in order, repetitions kept. merge: the deployment whose /etc
        is carried over (None: a fresh /etc). Deployments of osname other than merge and the booted
        one are removed. Until the last step nothing is visible; what an interrupted run leaves is
        removed by the next. On a system root that is not booted, GRUB's menu is made by the tree's
        own program. Raises OstreeError, Cancelled.
        """
        self._require_deployable(osname, commit)
        former = merge.native if merge is not None else None
        with self.locked():
            with translated(f"deploy {commit}"):
                _ok, new = run_blocking(
                    lambda native: self.native.deploy_tree(
                        osname,
                        commit,
                        origin.native,
                        former,
                        list(kernel_arguments),
                        native,
                    ),
                    cancel,
                )
            self._write(osname, new, former)
        self.reload()
        return next(each for each in self.deployments if _same(each.native, new))

    def stage(
        self,
        osname: str,
        commit: str,
        origin: Origin,
        kernel_arguments: Sequence[str],
        *,
        merge: Deployment,
        cancel: CancelToken | None = None,
    ) -> Deployment:
        """Like `deploy`, for the booted system: the deployment is made now and takes its place
        when the machine shuts down, so that changes of /etc until then are carried over too.

        A deployment that was staged before is replaced. Raises OstreeError, Cancelled.
        """
        self._require_deployable(osname, commit)
        with self.locked(), translated(f"stage {commit}"):
            run_blocking(
                lambda native: self.native.stage_tree(
                    osname, commit, origin.native, merge.native, list(kernel_arguments), native
                ),
                cancel,
            )
        self.reload()
        return next(each for each in self.deployments if each.staged)

    def write_order(self, deployments: Sequence[Deployment]) -> None:
        """Make these the deployments there are, in this boot order; what is left out is removed.

        The booted one must be among them. One atomic step, not cancelled once begun.
        Raises OstreeError.
        """
        natives = [deployment.native for deployment in deployments]
        with self.locked(), contextlib.ExitStack() as stack:
            if deployments and uses_grub(self.path) and not self.is_booted:
                stack.enter_context(grub_menu_of_tree(self.path, deployments[0].path))
            with translated(f"write the deployments of {self.path}"):
                run_blocking(lambda _native: self.native.write_deployments(natives, None))
        self.reload()

    def set_pinned(self, deployment: Deployment, pinned: bool) -> None:
        """Keep the deployment until it is unpinned, whatever is deployed later."""
        with self.locked(), translated(f"pin the deployment {deployment.id}"):
            self.native.deployment_set_pinned(deployment.native, pinned)
        self.reload()

    def clean(self) -> None:
        """Remove what interrupted runs left, and objects that nothing refers to."""
        with self.locked(), translated(f"clean up {self.path}"):
            run_blocking(lambda _native: self.native.cleanup(None))

    def _require_deployable(self, osname: str, commit: str) -> None:
        if self.repo.load_commit(commit).partial:
            raise OstreeError(f"The commit {commit} is incomplete.", "Pull it again: it resumes.")
        if not (self.path / "ostree/deploy" / osname).is_dir():
            raise OstreeError(f"There is no stateroot {osname} in {self.path}.")

    def _write(self, osname: str, new: Any, former: Any) -> None:
        """The one step after which the new deployment exists; not cancelled once begun.

        Objects that nothing refers to are looked for, which reads all trees, only if a deployment
        was removed.
        """
        flags = OSTree.SysrootSimpleWriteDeploymentFlags.NO_CLEAN
        before = len(self.native.get_deployments())
        with contextlib.ExitStack() as stack:
            if uses_grub(self.path) and not self.is_booted:
                root = self._root_of(new)
                stack.enter_context(grub_menu_of_tree(self.path, root))
            with translated(f"write the deployments of {self.path}"):
                run_blocking(
                    lambda _native: self.native.simple_write_deployment(
                        osname, new, former, flags, None
                    )
                )
                removed = len(self.native.get_deployments()) <= before
                clean = self.native.cleanup if removed else self.native.prepare_cleanup
                run_blocking(lambda _native: clean(None))

    def _root_of(self, native: Any) -> Path:
        return self.path / str(self.native.get_deployment_dirpath(native))

    def _deployment(self, native: Any) -> Deployment:
        bootconfig = native.get_bootconfig()
        options = bootconfig.get("options") if bootconfig is not None else None
        booted = self.native.get_booted_deployment()
        path = self._root_of(native)
        return Deployment(
            index=native.get_index(),
            osname=native.get_osname(),
            commit=native.get_csum(),
            serial=native.get_deployserial(),
            boot_checksum=native.get_bootcsum() or "",
            boot_serial=native.get_bootserial(),
            origin=Origin.from_native(native.get_origin(), f"{path}.origin"),
            path=path,
            kernel_arguments=tuple((options or "").split()),
            booted=booted is not None and _same(booted, native),
            staged=bool(native.is_staged()),
            pinned=bool(native.is_pinned()),
            unlocked=_UNLOCKED.get(native.get_unlocked(), "none"),
            native=native,
        )


def _same(one: Any, other: Any) -> bool:
    return bool(one.equal(other))


def _lock_holder(lock: Path) -> str:
    """ "ostree (process 123)": the process that holds a lock on the file, as far as we may see."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for handle in (process / "fd").iterdir():
                held = (process / "fdinfo" / handle.name).read_text()
                if "lock:" in held and handle.exists() and handle.samefile(lock):
                    name = (process / "comm").read_text().strip()
                    return f"{name} (process {process.name})"
    return "another process"
