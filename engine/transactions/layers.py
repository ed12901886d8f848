"""The changes of packages on one host: its RPM repositories, its /etc, its deployments."""

from __future__ import annotations

from pathlib import Path

from engine.command import SystemCommands
from engine.committed_file import read_file
from engine.layering.changes import LocalChanges
from engine.layering.commit import find_layers, write_layers
from engine.layering.plan import LayerPlan, plan_layers
from engine.layering.sources import PackageSources
from engine.packages.host_repositories import (
    RepositoryChoice,
    host_sources,
    metadata_cache,
    releasever_of,
    repository_root,
)
from engine.packages.rpmmd import Caching
from engine.repo import Repo
from engine.steps import Steps
from engine.transactions.host import Host


class Layers:
    """Plans and writes the layered commits of a host. step: has LAYERING_STEPS. cached: metadata
    that is here is used, however old it is."""

    def __init__(
        self, host: Host, choice: RepositoryChoice, step: Steps, *, cached: bool = False
    ) -> None:
        self._host = host
        self._choice = choice
        self._cached = cached
        self._step = step
        self._commands = SystemCommands(step.emit, step.cancel)

    @property
    def _repo(self) -> Repo:
        return self._host.sysroot.repo

    def plan(self, changes: LocalChanges, base: str) -> LayerPlan:
        """See `plan_layers`."""
        sources = self.sources(base)
        return plan_layers(
            self._repo, base, changes, sources, emit=self._step.emit, cancel=self._step.cancel
        )

    def find(self, plan: LayerPlan) -> str | None:
        """The commit of a deployment that was made by an equal plan."""
        deployed = [each.commit for each in self._host.sysroot.deployments]
        return find_layers(self._repo, plan, deployed)

    def write(self, plan: LayerPlan) -> str:
        """See `write_layers`."""
        etc = Path("/etc") if self._host.sysroot.is_booted else self._host.current.path / "etc"
        return write_layers(
            self._repo,
            plan,
            self._commands,
            self._step,
            etc=etc,
            former=self._host.newest.commit,
            deployed={each.commit: each.path for each in self._host.sysroot.deployments},
        )

    def sources(self, base: str) -> PackageSources:
        """The repositories that the machine's /etc names, for the release that base is of."""
        sysroot = self._host.sysroot
        return host_sources(
            repository_root(sysroot, self._host.current.path),
            metadata_cache(sysroot, self._host.osname),
            self._commands,
            self._step.emit,
            choice=self._choice,
            releasever=self._release(base),
            caching=Caching.ALWAYS if self._cached else Caching.FRESH,
        )

    def _release(self, base: str) -> str:
        """What `$releasever` means for a tree that may be of another release than this one; "" for
        one of which only parts are here."""
        if self._repo.load_commit(base).partial:
            return ""
        texts = (
            (read_file(self._repo, base, path) or b"").decode(errors="replace")
            for path in ("usr/lib/os-release", "usr/share/rpm-ostree/treefile.json")
        )
        return releasever_of(*texts)
