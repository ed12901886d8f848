"""The root of a layered tree between assembly and commit: scripts, accounts, database, initramfs.

Everything is written to an overlay's upper directory; the files below stay untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.command import Commands
from engine.errors import PackageError
from engine.events import Emit
from engine.initramfs import Kernel, make_kernel_files, place_kernel
from engine.overlay import OverlayTree
from engine.package_scripts import PackageScripts
from engine.packages.importer import UnpackOptions
from engine.packages.rpmfile import RpmFile, RpmHeader
from engine.postprocess.accounts import GROUP, Accounts, KnownAccounts, split_accounts
from engine.postprocess.machine_state import add_tmpfiles
from engine.sandbox import Sandbox
from engine.workplace import Workplace

# made by programs that scripts run, but each machine's own
_MACHINES = ("usr/etc/machine-id", "usr/etc/.updated")


class LayeredRoot:
    """tree: an overlay in place. epoch: what programs take for the time."""

    def __init__(
        self, tree: OverlayTree, place: Workplace, commands: Commands, emit: Emit, epoch: int
    ) -> None:
        self.tree = tree
        self._place = place
        self._emit = emit
        self._sandbox = Sandbox(self.tree, place.mount_point, place.var, commands, epoch)

    def run_scripts(
        self,
        packages: Sequence[RpmFile],
        base: Sequence[RpmHeader],
        real_path: Callable[[str], str],
        known: KnownAccounts,
        unpacked: UnpackOptions,
    ) -> None:
        """packages: the new ones, in the order of the transaction; base: those that stay.

        Raises PackageError naming the package of a script that fails.
        """
        kept_groups = [*Accounts.names(self.tree, GROUP)]
        scripts = PackageScripts(packages, base, self._place, self._sandbox, self._emit)
        machines = scripts.run(real_path, known, unpacked)
        accounts = Accounts.of(self.tree)
        split_accounts(self.tree, kept_groups)
        add_tmpfiles(self.tree, self._place.var, machines, accounts, self._emit)
        for path in _MACHINES:
            self.tree.revert(path)

    def write_database(self, path: str, database: Path) -> None:
        """Move a database file to path."""
        self.tree.take(database, path, 0o644)

    def make_initramfs(
        self, arguments: Sequence[str] | None, included: Sequence[str], etc: Path | None
    ) -> Kernel:
        """Put the tree's one kernel in its place and make its initramfs.

        arguments: dracut's; None for no initramfs. included: files of /etc to put into it. etc:
        the machine's, by default the tree's.
        """
        kernel = place_kernel(self.tree)
        words = [word for path in included for word in ("--include", path, path)]
        for path in included:
            self._require(path, etc)
        make_kernel_files(
            kernel,
            None if arguments is None else [*arguments, *words],
            self._sandbox,
            folder=self._place.shared("kernel"),
            etc=etc,
        )
        return kernel

    def _require(self, path: str, etc: Path | None) -> None:
        name = path.removeprefix("/etc/")
        there = self.tree.exists(f"usr/etc/{name}") if etc is None else (etc / name).exists()
        if not there:
            raise PackageError(
                f"{path} cannot be put into the initramfs: it does not exist.",
                f"Make it, or stop tracking it: photree initramfs-etc --untrack={path}.",
            )
