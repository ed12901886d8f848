"""What a step is given: the plan, the doors, and what earlier steps found out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import StorageError
from engine.events import Emit
from installer.doors import Doors, Files, Tree
from installer.plan import InstallPlan, Partition
from installer.probe import Machine
from installer.storage.geometry import DiskFacts


@dataclass(frozen=True)
class Volume:
    """A partition or logical volume that exists: node is its device; uuid its file system's, ""
    before formatting. number: of the partition that it is, or lies in."""

    partition: Partition
    disk: str  # the disk's device node
    number: int
    node: str
    uuid: str = ""


@dataclass
class Target:
    """What the steps learn about the machine being made; each says in its docstring what it sets.

    facts, devices and old_partitions (nodes on a disk that is wiped) by disk id. mounted: mount
    points in the order they were mounted. step: the id of the step that runs, or ran last.
    """

    machine: Machine = field(default_factory=Machine)
    facts: dict[str, DiskFacts] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    old_partitions: dict[str, list[str]] = field(default_factory=dict)
    volumes: list[Volume] = field(default_factory=list)
    mounted: list[Path] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    repository_url: str = ""
    commit: str = ""
    tree: Tree | None = None
    files: Files | None = None
    step: str = ""

    def volumes_of(self, role: str) -> Iterator[Volume]:
        return (volume for volume in self.volumes if volume.partition.role == role)

    def volume(self, role: str) -> Volume:
        """The one volume of a role that every plan has. Raises StorageError without one."""
        found = next(self.volumes_of(role), None)
        if found is None:
            raise StorageError(f"The plan has no {role} partition.")
        return found


@dataclass(frozen=True)
class Context:
    """workspace: a private directory that is gone after the run; the target is mounted in it."""

    plan: InstallPlan
    doors: Doors
    emit: Emit
    cancel: CancelToken
    workspace: Path
    target: Target = field(default_factory=Target)

    @property
    def sysroot(self) -> Path:
        """Where the new machine's root file system is mounted."""
        return self.workspace / "sysroot"

    @property
    def boot(self) -> Path:
        return self.sysroot / "boot"

    @property
    def tree(self) -> Tree:
        """The deployed tree; only steps after DeployTree may ask."""
        if self.target.tree is None:
            raise StorageError("No tree is deployed yet.")
        return self.target.tree

    @property
    def files(self) -> Files:
        """The new machine's files; only steps after DeployTree may ask."""
        if self.target.files is None:
            raise StorageError("No tree is deployed yet.")
        return self.target.files

    @property
    def outcome(self) -> str:
        """One sentence: what was installed where."""
        source, tree = self.plan.source, self.tree
        disks = ", ".join(disk.name for disk in self.plan.storage.disks)
        version = f" version {tree.version}," if tree.version else ""
        return (
            f"Installed {source.remote.name}:{source.ref},{version} commit {tree.commit}, "
            f"on {disks}."
        )
