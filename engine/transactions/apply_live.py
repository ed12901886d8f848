"""Bring the packages of the pending deployment to the running system, without a reboot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.differences.files import file_differences
from engine.differences.packages import PackageDifferences, package_differences
from engine.errors import OstreeError
from engine.events import Emit, LogLine
from engine.live import LiveTree
from engine.namespace import ensure_private_mounts
from engine.steps import Steps
from engine.sysroot import Sysroot
from engine.transactions.host import Host
from engine.transactions.transaction import Result, Transaction
from engine.transactions.usroverlay import UsrOverlay

_STEPS = {
    "unlock": "Put a writable layer over /usr",
    "usr": "Update /usr",
    "etc": "Update /etc",
    "settle": "Make directories, reload services",
}


@dataclass(frozen=True)
class ApplyLive(Transaction):
    """The running /usr becomes that of the pending deployment, on a layer that the next boot drops.

    Only added packages are taken, unless allow_replacement: what runs keeps its files.
    """

    kind: ClassVar[str] = "apply-live"
    allow_replacement: bool = False

    @property
    def title(self) -> str:
        return "apply-live"

    def execute(self, emit: Emit, cancel: CancelToken) -> Result:
        sysroot = Sysroot.load(Path(self.sysroot))
        host = Host.of(sysroot)
        pending, current = host.pending, host.current
        if not sysroot.is_booted or pending is None:
            raise OstreeError(
                "There is no pending deployment whose packages could be applied.",
                "Make one on the running machine: `photree install PACKAGE`.",
            )
        repo = sysroot.repo
        changes = package_differences(repo, current.commit, pending.commit)
        self._refuse_replacements(changes)
        differences = file_differences(repo, current.commit, pending.commit, "usr")
        step = Steps(_STEPS, emit, cancel, numbered=False)
        if current.unlocked == "none":
            with step("unlock"):
                UsrOverlay(self.sysroot, mode="transient").execute(emit, cancel)
        commands = SystemCommands(emit)
        ensure_private_mounts()  # for the others /usr stays read-only
        commands.run(["mount", "-o", "remount,rw", "/usr"])
        live = LiveTree(Path("/"), current.path, pending.path)
        with step("usr"):
            live.apply(differences)
        with step("etc"):
            for path in live.apply_etc(differences):
                emit(LogLine(f"{path} was changed on this machine and stays", level="warning"))
        with step("settle"):
            _settle(commands)
        lines = [*changes.lines(), "Successfully updated running filesystem tree."]
        return Result(bool(changes), "\n".join(lines), pending.id)

    def _refuse_replacements(self, changes: PackageDifferences) -> None:
        touched = [*(each.old for each in (*changes.upgraded, *changes.downgraded))]
        touched += changes.removed
        if touched and not self.allow_replacement:
            names = ", ".join(sorted(each.name for each in touched)[:5])
            raise OstreeError(
                f"The pending deployment changes or removes {len(touched)} packages that are in "
                f"use: {names}{' ...' if len(touched) > 5 else ''}.",
                "Reboot into it, or use --allow-replacement.",
            )


def _settle(commands: SystemCommands) -> None:
    """What a boot would do for new packages. Old files may be in the way of single entries."""
    any_exit = tuple(range(256))
    commands.run(
        ["systemd-tmpfiles", "--create", "--prefix=/run", "--prefix=/var"], accept=any_exit
    )
    if Path("/run/systemd/system").is_dir():
        commands.run(["systemctl", "daemon-reload"], accept=any_exit)
