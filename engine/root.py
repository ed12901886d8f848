"""A tree's root between assembly and commit: package scripts, edits, kernel, in rpm-ostree's order.

Everything is written to an overlay's upper directory; the hardlinked files below stay untouched.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.assembly import Assembly
from engine.command import Commands
from engine.derived import DerivedCache, TreeState
from engine.events import Emit, LogLine
from engine.initramfs import Kernel, make_kernel_files, place_kernel
from engine.overlay import OverlayTree
from engine.packages.capabilities import capability_xattr
from engine.packages.importer import UnpackOptions, owned_files
from engine.packages.rpmdb import DATABASE
from engine.packages.rpmfile import RpmFile
from engine.postprocess import edits
from engine.postprocess.accounts import Accounts, KnownAccounts, keep_ids, split_accounts
from engine.postprocess.machine_state import fill_var, own_var, write_tmpfiles
from engine.sandbox import Sandbox
from engine.scriptlets import Scriptlet, post_scriptlets, pre_scriptlets, run_scriptlets
from engine.treefile import Treefile

_KERNEL_IMAGE = re.compile(r"/boot/vmlinuz-[^/]+|(/usr)?/lib/modules/[^/]+/vmlinuz")
_CLEAR_TURNS, _CLEAR_SECONDS = 20, 0.1
_SET_ID_BITS = stat.S_ISUID | stat.S_ISGID
_SYSUSERS = ("usr/bin/systemd-sysusers", "usr/lib/sysusers.d")


def build_epoch(packages: Sequence[RpmFile]) -> int:
    """The time that programs of the tree take for now: when the kernel package was built.

    The initramfs and all other output then change only when their input does. Without a kernel:
    when the newest package was built.
    """
    kernels = [
        package
        for package in packages
        if any(_KERNEL_IMAGE.fullmatch(file.path) for file in package.files())
    ]
    return max((package.build_time for package in kernels or packages), default=0)


@dataclass(frozen=True)
class Workplace:
    """The directories of a compose, on the cache repository's file system. lower stays from one
    compose to the next, folder goes."""

    cachedir: Path

    @property
    def folder(self) -> Path:
        return self.cachedir / "work"

    @property
    def lower(self) -> Path:
        return self.cachedir / "lower"

    @property
    def database(self) -> Path:
        return self.folder / "database"

    def make(self) -> None:
        """Empty directories; what a former run left goes first."""
        self.clear()
        self.folder.mkdir(parents=True, mode=0o700)
        for name in ("upper", "work", "mount", "var", "database"):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o755)

    def clear(self) -> None:
        """Remove folder. The programs of a killed sandbox may write for a moment longer."""
        for _turn in range(_CLEAR_TURNS):
            if not self.folder.exists():
                return
            with contextlib.suppress(OSError):
                shutil.rmtree(self.folder)
                return
            time.sleep(_CLEAR_SECONDS)
        shutil.rmtree(self.folder)

    def shared(self, name: str) -> Path:
        """A new empty directory to share with a sandbox."""
        folder = self.folder / f"shared-{name}"
        folder.mkdir()
        folder.chmod(0o755)
        return folder

    def tree(self) -> OverlayTree:
        return OverlayTree(self.lower, self.folder / "upper", self.folder / "work")


class Root:
    """One tree's root being made. packages: in the order of the transaction."""

    def __init__(
        self,
        treefile: Treefile,
        packages: Sequence[RpmFile],
        workplace: Workplace,
        commands: Commands,
        emit: Emit,
    ) -> None:
        self.tree = workplace.tree()
        self._treefile = treefile
        self._packages = packages
        self._place = workplace
        self._emit = emit
        self._var = workplace.folder / "var"
        self._sandbox = Sandbox(
            self.tree,
            workplace.folder / "mount",
            self._var,
            commands,
            build_epoch(packages),
        )

    def run_scripts(
        self, assembly: Assembly, known: KnownAccounts, unpacked: UnpackOptions
    ) -> None:
        """%pre of every package, then users and owners, then the other scripts.

        Raises PackageError naming the package of a script that fails.
        """
        keep_ids(self.tree, known)
        fill_var(self._var, self._packages, self.tree)
        self._run(pre_scriptlets(self._packages), "pre")
        self._make_declared_users()
        accounts = Accounts.of(self.tree)
        self._set_owners(assembly, accounts, unpacked)
        own_var(self._var, self._packages, accounts)
        self._run(post_scriptlets(self._packages), "post")

    def edit(self, database: Path, version: str) -> None:
        """The files every composed tree has, and the treefile's own edits.

        database: the folder that `write_database` filled.
        """
        tree, treefile = self.tree, self._treefile
        edits.write_database_files(tree, database / DATABASE)
        edits.enable_units(tree, treefile, self._emit)
        edits.write_treefile(tree, treefile)
        edits.write_os_release(tree, treefile, version)
        edits.remove_files(tree, treefile)
        edits.add_files(tree, treefile)
        edits.run_postprocess(treefile, self._sandbox, self._place.shared("postprocess"))

    def settle(self) -> None:
        """What is the same on every machine, and what each machine makes itself."""
        edits.settle_tmp(self.tree, self._treefile)
        accounts = Accounts.of(self.tree)
        split_accounts(self.tree, self._treefile.etc_group_members)
        write_tmpfiles(self.tree, self._var, self._packages, accounts, self._emit)
        edits.settle_machine_id(self.tree, self._treefile)

    def add_kernel(self, contents: Mapping[str, str], cache: DerivedCache) -> Kernel | None:
        """Put the kernel in its place and make the initramfs; None for a container's tree.

        contents: the object checksums of the assembled tree, by path.
        """
        if self._treefile.container:
            return None
        kernel = place_kernel(self.tree)
        cached = make_kernel_files(
            kernel,
            None if self._treefile.no_initramfs else self._treefile.initramfs_args,
            self._sandbox,
            folder=self._place.shared("kernel"),
            state=TreeState(self.tree, contents),
            cache=cache,
        )
        if cached:
            self._emit(LogLine("Nothing that goes into the initramfs changed: used the former one"))
        return kernel

    def _run(self, scripts: Sequence[Scriptlet], name: str) -> None:
        run_scriptlets(scripts, self._sandbox, self._place.shared(name), self._emit)

    def _make_declared_users(self) -> None:
        """sysusers.d: packages may own files by users that no %pre makes."""
        if all(self.tree.exists(path) for path in _SYSUSERS):
            self._sandbox.run(["systemd-sysusers"])

    def _set_owners(self, assembly: Assembly, accounts: Accounts, unpacked: UnpackOptions) -> None:
        """Owners by name, as the tree's users now say; an unknown one means root, as for rpm."""
        missing: dict[str, str] = {}
        for package in self._packages:
            for file in owned_files(package, unpacked):
                mode = stat.S_IMODE(file.mode)
                for name, ids in ((file.user, accounts.users), (file.group, accounts.groups)):
                    if name not in ids:
                        missing.setdefault(name, package.nevra)
                        mode &= ~_SET_ID_BITS
                self.tree.own(
                    assembly.real_path(file.path),
                    accounts.users.get(file.user, 0),
                    accounts.groups.get(file.group, 0),
                    mode,
                    capability_xattr(file.caps) if file.caps else None,
                )
        for name, nevra in missing.items():
            text = f"{nevra} owns files by {name!r}, which no package makes: they belong to root"
            self._emit(LogLine(text, level="warning"))
