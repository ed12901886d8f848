"""The host that a transaction changes: one stateroot of a system root, and who is who in it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import OstreeError
from engine.events import Emit
from engine.sysroot import Deployment, Sysroot
from engine.transactions.transaction import Result, Transaction


@dataclass(frozen=True)
class Host:
    """The deployments of one stateroot. Names are rpm-ostree's: pending boots next instead of the
    current one, rollback is the next one after it.

    In a system root that does not run, the first deployment takes the booted one's part.
    """

    sysroot: Sysroot
    osname: str

    @classmethod
    def of(cls, sysroot: Sysroot, osname: str = "") -> Host:
        """osname: default the booted one, or that of the first deployment. Raises OstreeError."""
        deployments = sysroot.deployments
        booted = sysroot.booted
        if not osname and booted is not None:
            osname = booted.osname
        if not osname and deployments:
            osname = deployments[0].osname
        if not any(deployment.osname == osname for deployment in deployments):
            what = f" of the stateroot {osname}" if osname else ""
            raise OstreeError(
                f"There is no deployment{what} in {sysroot.path}.",
                "Install a system first, or name another stateroot with --stateroot.",
            )
        return cls(sysroot, osname)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """In boot order."""
        return tuple(each for each in self.sysroot.deployments if each.osname == self.osname)

    @property
    def root(self) -> Path:
        """The directory that has the stateroot's /var: / for the booted one."""
        booted = self.sysroot.booted
        if booted is not None and booted.osname == self.osname:
            return Path("/")
        return self.sysroot.path / "ostree/deploy" / self.osname

    @property
    def current(self) -> Deployment:
        """The booted one; where none is booted in this stateroot, the one that would boot."""
        found = self.deployments
        return next((each for each in found if each.booted), found[0])

    @property
    def pending(self) -> Deployment | None:
        before = [each for each in self.deployments if each.index < self.current.index]
        return before[0] if before else None

    @property
    def rollback(self) -> Deployment | None:
        after = [each for each in self.deployments if each.index > self.current.index]
        return after[0] if after else None

    @property
    def newest(self) -> Deployment:
        """The one whose origin and kernel arguments a next deployment goes on from."""
        return self.pending or self.current


@dataclass(frozen=True)
class HostTransaction(Transaction):
    """A transaction on one stateroot, which holds the system root's lock while it runs.

    osname: the stateroot, "" for the booted one. reboot: restart when something changed.
    """

    osname: str = ""
    reboot: bool = False

    def execute(self, emit: Emit, cancel: CancelToken) -> Result:
        sysroot = Sysroot.load(Path(self.sysroot), writable=True)
        with sysroot.locked():
            sysroot.reload()  # what was changed before we got the lock
            result = self.change(Host.of(sysroot, self.osname), emit, cancel)
        return replace(result, reboot=self.reboot and result.changed)

    @abstractmethod
    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        """Do it, with the lock held."""
