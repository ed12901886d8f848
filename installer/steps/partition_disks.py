"""Write new partition tables."""

from __future__ import annotations

from installer.context import Context, Volume
from installer.plan import Disk
from installer.steps.step import Step
from installer.storage.geometry import lay_out, node


class PartitionDisks(Step):
    """Sets target.volumes, in on-disk order; logical volumes are not among them yet."""

    id = "partition-disks"
    title = "Partition the disk"
    weight = 3

    def do(self, ctx: Context) -> None:
        for disk in ctx.plan.storage.disks:
            _partition(ctx, disk)


def _partition(ctx: Context, disk: Disk) -> None:
    storage, target, run = ctx.plan.storage, ctx.target, ctx.doors.commands.run
    device = target.devices[disk.id]
    facts = target.facts[disk.id]
    # Signatures of the old partitions first: without a table nobody finds them any more.
    run(["wipefs", "--all", *target.old_partitions.get(disk.id, ()), device])
    wanted = [part for part in storage.partitions if part.disk == disk.id]
    spans = lay_out(facts, storage.table, wanted)
    ctx.doors.disks.write_table(device, storage.table, spans)
    # Kernels without a partition parser, and loop devices, learn of partitions only this way.
    run(["partx", "--update", device])
    if target.machine.udev:
        run(["udevadm", "settle", "--timeout=30"])
    ctx.doors.disks.await_nodes(device, spans, facts.sector_size)
    volumes = [Volume(s.partition, device, s.number, node(device, s.number)) for s in spans]
    # New partitions may begin where old file systems did.
    run(["wipefs", "--all", *(volume.node for volume in volumes)])
    target.volumes.extend(volumes)
