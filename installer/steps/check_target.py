"""Refuse a target that cannot or must not be written, before anything is."""

from __future__ import annotations

from installer.context import Context
from installer.steps.step import Step
from installer.storage.lvm import by_group
from installer.storage.programs import needed_programs
from installer.storage.refusals import disk_facts, refuse

_DEVICE_MAPPER = "dm_mod, the kernel's device mapper, which LVM needs,"


class CheckTarget(Step):
    """Sets target.machine, target.facts, and of real disks target.devices and old_partitions."""

    id = "check-target"
    title = "Check the target disks"

    def do(self, ctx: Context) -> None:
        """Raises PlanError with everything that stands against writing the disks."""
        machine = ctx.doors.probe()
        missing = [name for name in needed_programs(ctx.plan) if not ctx.doors.is_installed(name)]
        if by_group(ctx.plan.storage.partitions) and not missing and not _has_device_mapper(ctx):
            missing.append(_DEVICE_MAPPER)
        refuse(ctx.plan, machine, missing)
        ctx.target.machine = machine
        for disk in ctx.plan.storage.disks:
            ctx.target.facts[disk.id] = disk_facts(disk, machine)
            device = machine.find(disk.name) if disk.device else None
            if device is not None:
                ctx.target.devices[disk.id] = device.path
                ctx.target.old_partitions[disk.id] = [part.path for part in device.partitions]


def _has_device_mapper(ctx: Context) -> bool:
    """The kernel loads its module when it is asked for."""
    return ctx.doors.commands.run(["dmsetup", "version"], accept=(0, 1), quiet=True).returncode == 0
