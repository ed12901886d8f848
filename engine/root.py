"""A tree's root between assembly and commit: package scripts, edits, kernel, in rpm-ostree's order.

Everything is written to an overlay's upper directory; the hardlinked files below stay untouched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.assembly import Assembly
from engine.command import Commands
from engine.derived import DerivedCache, TreeState
from engine.events import Emit, LogLine
from engine.initramfs import Kernel, kernel_versions, make_kernel_files, place_kernel
from engine.package_scripts import PackageScripts
from engine.packages.importer import UnpackOptions
from engine.packages.rpmdb import DATABASE
from engine.packages.rpmfile import RpmFile
from engine.postprocess import edits
from engine.postprocess.accounts import Accounts, KnownAccounts, split_accounts
from engine.postprocess.machine_state import write_tmpfiles
from engine.sandbox import Sandbox
from engine.treefile import Treefile
from engine.workplace import Workplace


def build_epoch(packages: Sequence[RpmFile]) -> int:
    """The time that programs of the tree take for now: when the kernel package was built.

    The initramfs and all other output then change only when their input does. Without a kernel:
    when the newest package was built.
    """
    kernels = [package for package in packages if kernel_versions(package)]
    return max((package.build_time for package in kernels or packages), default=0)


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
        self._sandbox = Sandbox(
            self.tree, workplace.mount_point, workplace.var, commands, build_epoch(packages)
        )

    def run_scripts(
        self, assembly: Assembly, known: KnownAccounts, unpacked: UnpackOptions
    ) -> None:
        """%pre of every package, then users and owners, then the other scripts.

        Raises PackageError naming the package of a script that fails.
        """
        scripts = PackageScripts(self._packages, (), self._place, self._sandbox, self._emit)
        scripts.run(assembly.real_path, known, unpacked)

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
        write_tmpfiles(self.tree, self._place.var, self._packages, accounts, self._emit)
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
            cached=(cache, TreeState(self.tree, contents)),
        )
        if cached:
            self._emit(LogLine("Nothing that goes into the initramfs changed: used the former one"))
        return kernel
