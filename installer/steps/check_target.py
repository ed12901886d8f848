"""Refuse a target that cannot or must not be written, before anything is."""

from __future__ import annotations

from installer.context import Context
from installer.steps.step import Step
from installer.storage.refusals import disk_facts, refuse


class CheckTarget(Step):
    """Sets target.machine, target.facts, and target.devices of real disks."""

    id = "check-target"
    title = "Check the target disks"

    def do(self, ctx: Context) -> None:
        """Raises PlanError with everything that stands against writing the disks."""
        machine = ctx.doors.probe()
        refuse(ctx.plan, machine)
        ctx.target.machine = machine
        for disk in ctx.plan.storage.disks:
            ctx.target.facts[disk.id] = disk_facts(disk, machine)
            if disk.device is not None:
                ctx.target.devices[disk.id] = machine.resolve(str(disk.device))
