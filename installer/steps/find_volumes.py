"""Find the file systems that a former attempt made, instead of making them again."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import StorageError
from installer.context import Context, Volume
from installer.steps.step import Step
from installer.storage.geometry import lay_out, node


class FindVolumes(Step):
    """Sets target.volumes, as PartitionDisks and FormatVolumes would. Writes nothing."""

    id = "find-volumes"
    title = "Find the file systems that were made before"

    def __init__(self, uuids: Mapping[str, str]) -> None:
        """uuids: of the file systems that were made, by the partitions' nodes."""
        self._uuids = dict(uuids)

    def do(self, ctx: Context) -> None:
        """Raises StorageError when the disk is not as it was left."""
        for disk in ctx.plan.storage.disks:
            device, facts = ctx.target.devices[disk.id], ctx.target.facts[disk.id]
            wanted = [part for part in ctx.plan.storage.partitions if part.disk == disk.id]
            for span in lay_out(facts, ctx.plan.storage.table, wanted):
                place = node(device, span.number)
                volume = Volume(span.partition, device, span.number, place)
                ctx.target.volumes.append(self._found(ctx, volume))

    def _found(self, ctx: Context, volume: Volume) -> Volume:
        if not volume.partition.filesystem:
            return volume
        output = ctx.doors.commands.run(
            ["blkid", "--probe", "--match-tag", "UUID", "--output", "value", volume.node],
            accept=(0, 2),
        )
        uuid = output.stdout.strip()
        if not uuid or uuid != self._uuids.get(volume.node):
            raise StorageError(
                f"{volume.node} is not as the former attempt left it.",
                "Install again from the beginning.",
            )
        return Volume(volume.partition, volume.disk, volume.number, volume.node, uuid)
