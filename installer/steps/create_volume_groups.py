"""Make LVM's volume groups and logical volumes. Source: lvm(8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import StorageError
from installer.context import Context, Volume
from installer.steps.step import Step
from installer.storage.lvm import EXTENT_MB, PhysicalVolume

_FAILED = 5  # what LVM's programs exit with


@dataclass(frozen=True)
class Holder:
    """A partition that will hold logical volumes: the volume, and what it will hold."""

    volume: Volume
    physical: PhysicalVolume


class CreateVolumeGroups(Step):
    """Adds the logical volumes to target.volumes, in the plan's order; they are active from now on.

    Where no device manager runs LVM is told so, and makes the nodes itself.
    """

    id = "create-volume-groups"
    title = "Make the logical volumes"
    weight = 5

    def do(self, ctx: Context) -> None:
        groups: dict[str, list[Holder]] = {}
        for volume in ctx.target.volumes:
            if isinstance(volume.partition, PhysicalVolume):
                holder = Holder(volume, volume.partition)
                groups.setdefault(holder.physical.group, []).append(holder)
        for group, holders in groups.items():
            _create_group(ctx, group, holders)
            for holder in holders:
                ctx.target.volumes.extend(_create_volumes(ctx, group, holder))

    def undo(self, ctx: Context) -> None:
        """Deactivate the groups, so that the disks are free. Raises StorageError."""
        while ctx.target.groups:
            group = ctx.target.groups.pop()
            argv = ["vgchange", "--activate", "n", group]
            output = ctx.doors.cleanup.run(argv, accept=(0, _FAILED), env=_environment(ctx))
            if output.returncode and "not found" not in output.stderr:
                raise StorageError(
                    f"The volume group {group} could not be deactivated.",
                    hint=f"When nothing uses it any more: vgchange --activate n {group}",
                    detail=output.stderr,
                )


def _create_group(ctx: Context, group: str, holders: Sequence[Holder]) -> None:
    run, env = ctx.doors.commands.run, _environment(ctx)
    for holder in holders:
        # Else the first extent is where this machine's lvm.conf and the disk's hints want it.
        start = f"{holder.physical.header_mb}m"
        run(["pvcreate", "--yes", "--dataalignment", start, holder.volume.node], env=env)
    ctx.target.groups.append(group)
    nodes = [holder.volume.node for holder in holders]
    run(["vgcreate", "--physicalextentsize", f"{EXTENT_MB}m", group, *nodes], env=env)


def _create_volumes(ctx: Context, group: str, holder: Holder) -> Iterator[Volume]:
    """On this disk; the one that takes the rest is the last one. Old signatures are wiped."""
    disk, number, place = holder.volume.disk, holder.volume.number, holder.volume.node
    for part in holder.physical.volumes:
        if part.lvm is not None:
            size = ["--extents", "100%PVS"] if part.takes_rest else ["--size", f"{part.size_mb}m"]
            argv = ["lvcreate", "--yes", *size, "--name", part.lvm.name, group, place]
            ctx.doors.commands.run(argv, env=_environment(ctx))
            yield Volume(part, disk, number, part.lvm.node)


def _environment(ctx: Context) -> Mapping[str, str]:
    """Variables of libdevmapper."""
    return {} if ctx.target.machine.udev else {"DM_DISABLE_UDEV": "1"}
