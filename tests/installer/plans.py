"""Plans and contexts for tests of what comes after the plan."""

from dataclasses import replace
from pathlib import Path

from engine.cancel import CancelToken
from engine.events import Emit, Event, LogLine
from installer.context import Context, Volume
from installer.dry import dry_doors
from installer.plan import (
    BootMode,
    Disk,
    Host,
    InstallPlan,
    Partition,
    Profile,
    Remote,
    Source,
    Storage,
    TableType,
)
from installer.probe import BlockDevice, Machine
from installer.steps.step import Step
from installer.storage.geometry import MIB, lay_out, node
from installer.storage.layout import complete_layout
from installer.storage.lvm import PhysicalVolume
from installer.storage.refusals import disk_facts

REF = "photon/5.0/x86_64/minimal"
WORKSPACE = Path("/run/photree/install")
VDA = BlockDevice("/dev/vda", "disk", 8192 * MIB)
MACHINE = Machine((VDA,))
ROOT = Partition("default", "root", "ext4", "/")


def make_plan(
    *wanted: Partition,
    disk: Disk | None = None,
    table: TableType = TableType.GPT,
    bootmode: BootMode = BootMode.DUAL,
    host: Host | None = None,
    url: str = "file:///media/repo",
    **more: object,
) -> InstallPlan:
    """A default host on /dev/vda, or as asked for; wanted: partitions, completed for booting."""
    remote = Remote("photon", "https://example.test/repo", gpg_verify=False)
    storage = Storage(
        (disk or Disk("default", device=Path("/dev/vda")),),
        complete_layout(wanted or (ROOT,), bootmode, table),
        table,
        bootmode,
    )
    source = Source(url, REF, remote)
    plan = InstallPlan(Profile.DEFAULT_HOST, source, storage, host or Host("photon-host-def"))
    return replace(plan, **more)  # type: ignore[arg-type]


class Told:
    """An Emit that keeps what dry doors say: commands as "$ ...", actions as "- ..."."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def lines(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, LogLine)]

    @property
    def commands(self) -> list[str]:
        return [line[2:] for line in self.lines if line.startswith("$ ")]


def dry_context(plan: InstallPlan, machine: Machine = MACHINE) -> tuple[Context, Told]:
    """A context as it is before the first step, with doors that only tell."""
    told = Told()
    return context_telling(told, plan, machine), told


def context_telling(emit: Emit, plan: InstallPlan, machine: Machine = MACHINE) -> Context:
    return Context(plan, dry_doors(emit, machine), emit, CancelToken(), WORKSPACE)


def formatted(plan: InstallPlan, machine: Machine = MACHINE) -> tuple[Context, Told]:
    """A context as FormatVolumes leaves it; uuids are UUID-1, UUID-2 … by partition number."""
    ctx, told = dry_context(plan, machine)
    ctx.target.machine = machine
    for disk in plan.storage.disks:
        device = machine.resolve(disk.name)
        ctx.target.devices[disk.id] = device
        ctx.target.facts[disk.id] = facts = disk_facts(disk, machine)
        ours = [part for part in plan.storage.partitions if part.disk == disk.id]
        for span in lay_out(facts, plan.storage.table, ours):
            place = node(device, span.number)
            uuid = f"UUID-{span.number}" if span.partition.filesystem else ""
            ctx.target.volumes.append(Volume(span.partition, device, span.number, place, uuid))
            if isinstance(span.partition, PhysicalVolume):
                ctx.target.volumes += [
                    Volume(part, device, span.number, part.lvm.node, f"UUID-of-{part.lvm.name}")
                    for part in span.partition.volumes
                    if part.lvm
                ]
    return ctx, told


def deployed(plan: InstallPlan, machine: Machine = MACHINE) -> tuple[Context, Told]:
    """A context as DeployTree leaves it."""
    ctx, told = formatted(plan, machine)
    ctx.target.tree = ctx.doors.trees.deploy(ctx.sysroot, plan.source, "c0ffee", [])
    ctx.target.files = ctx.doors.open_files(ctx.target.tree)
    told.events.clear()
    return ctx, told


def lines_of(step: Step, ctx: Context, told: Told) -> list[str]:
    """What a step says it does."""
    told.events.clear()
    step.do(ctx)
    return told.lines
