"""What stands against writing the plan's disks: every reason, with what holds a disk.

Pure, but for images, whose place in the file system is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import unquote, urlsplit

from engine.errors import PlanError, Problem, StorageError
from installer.plan import Disk, InstallPlan, Storage
from installer.probe import BlockDevice, Machine
from installer.storage.disks import unfinished
from installer.storage.filesystems import mount_points
from installer.storage.geometry import (
    MIB,
    DiskFacts,
    DoesNotFit,
    lay_out,
    sizes,
    smallest_mb,
)
from installer.storage.layout import minimum_sizes
from installer.storage.lvm import by_group

_WHOLE_DISKS = ("disk", "loop")
_PLACES = ("/boot", "/var", "/tmp")  # noqa: S108 - mount points of the new machine
# signature -> what such a member belongs to
_MEMBERS = {
    "linux_raid_member": "a RAID array",
    "mpath_member": "a multipath device",
    "bcache": "a bcache set",
    "drbd": "a DRBD resource",
    "zfs_member": "a ZFS pool",
}
_IN_USE_HINT = "Choose another disk, or release this one first."


def refusals(plan: InstallPlan, machine: Machine) -> list[Problem]:
    """Everything that keeps the plan's disks from being written; an empty list means: go."""
    problems: list[Problem] = []
    nodes = Counter(machine.resolve(disk.name) for disk in plan.storage.disks)
    for disk in plan.storage.disks:
        if nodes[machine.resolve(disk.name)] > 1:
            problems.append(Problem(disk.name, "is named more than once in the plan"))
        if disk.device is not None:
            problems += device_refusals(plan.storage, disk, machine, _local_source(plan))
        else:
            problems += _image_problems(plan.storage, disk, machine)
    problems += _group_problems(plan.storage, machine)
    problems += _mountpoint_problems(plan)
    return problems


def refuse(plan: InstallPlan, machine: Machine, missing: Sequence[str] = ()) -> None:
    """Raises PlanError with all refusals, if there are any. missing: programs that are needed."""
    problems = refusals(plan, machine)
    problems += [Problem(name, "is not installed on this machine") for name in missing]
    if problems:
        raise PlanError("The installation cannot start; nothing was written.", problems)


def disk_facts(disk: Disk, machine: Machine) -> DiskFacts:
    """The geometry of a disk that was not refused. Raises StorageError when there is none."""
    if disk.device is None:
        return DiskFacts(disk.size_mb * MIB, disk.sector_size)
    device = machine.find(str(disk.device))
    if device is None:
        raise StorageError(f"There is no disk {disk.device}.")
    return DiskFacts(device.size, device.sector_size, device.optimal_io)


def device_refusals(
    storage: Storage, disk: Disk, machine: Machine, source: str = ""
) -> Iterator[Problem]:
    """What keeps one device from being written, with its share of the storage's partitions.

    source: the path that the tree is installed from, "" for one on the network.
    """
    device = machine.find(disk.name)
    if device is None:
        whole = [d for d in machine.disks if d.kind in _WHOLE_DISKS and d.size]
        there = [f"{d.path} ({_gib(d.size)})" for d in whole]
        listing = ", ".join(there) or "none"
        yield Problem(disk.name, "there is no such disk", f"disks of this machine: {listing}")
        return
    name = disk.name if device.path == disk.name else f"{disk.name} ({device.path})"
    if device.kind not in _WHOLE_DISKS:
        parent = machine.parent_disk(device.path)
        hint = f"name the disk, {parent.path}" if parent and parent is not device else ""
        yield Problem(name, f"is not a whole disk, but of type {device.kind}", hint)
        return
    if device.read_only:
        yield Problem(name, "is read-only", "Check its write protection, or choose another disk.")
    held = list(_holders(device, _remains(storage, machine)))
    if source and machine.holding(source) is device:
        held.insert(0, "is the medium that the tree is installed from")
    if not held and device.claimed:
        held = ["is in use by the kernel or another program (a mount in a container?)"]
    yield from (Problem(name, reason, _IN_USE_HINT) for reason in held)
    yield from size_refusals(storage, disk, disk_facts(disk, machine), name)


def _holders(device: BlockDevice, remains: Collection[str]) -> Iterator[str]:
    """What uses a disk, its partitions, and what is built on them. remains: see `_remains`."""
    for part in device.walk():
        subject = "" if part is device else f"{part.path} "
        for mountpoint in part.mountpoints:
            yield f"{subject}is mounted at {mountpoint}"
        if part.swap:
            yield f"{subject}is used as swap"
        if part.volume_group and part.volume_group not in remains:
            yield f"{subject}belongs to the LVM volume group {part.volume_group}"
        for child in part.children:
            if child.kind != "part" and not part.volume_group:
                yield f"{subject}is used by {child.path} ({child.kind})"
        if part.filesystem in _MEMBERS and all(child.kind == "part" for child in part.children):
            label = f" ({part.label})" if part.label else ""
            yield f"{subject}is a member of {_MEMBERS[part.filesystem]}{label}"


def _remains(storage: Storage, machine: Machine) -> set[str]:
    """Volume groups that an earlier try of this installation left: of the same name, on its disks
    only, and not active. They are wiped as its file systems are."""
    nodes = {machine.resolve(disk.name) for disk in storage.disks}
    return {
        group
        for group in by_group(storage.partitions)
        if all(disk.path in nodes and not part.children for disk, part in _members(group, machine))
    }


def _group_problems(storage: Storage, machine: Machine) -> Iterator[Problem]:
    """LVM tells groups from one another by their names."""
    nodes = {machine.resolve(disk.name) for disk in storage.disks}
    for group in by_group(storage.partitions):
        members = _members(group, machine)
        elsewhere = [part.path for disk, part in members if disk.path not in nodes]
        if elsewhere:
            message = f"there is a volume group of this name already, on {', '.join(elsewhere)}"
            yield Problem(group, message, "Choose another vg_name, or take that disk out.")


def _members(group: str, machine: Machine) -> Iterator[tuple[BlockDevice, BlockDevice]]:
    """The physical volumes of a group that exists, each after its disk."""
    for disk in machine.disks:
        yield from ((disk, part) for part in disk.walk() if part.volume_group == group)


def _image_problems(storage: Storage, disk: Disk, machine: Machine) -> Iterator[Problem]:
    image = disk.image
    if image is None:
        yield Problem(disk.id, "the disk has neither a device nor a file name")
        return
    for path in (image, unfinished(image)):
        users = [d.path for d in machine.disks if d.backing_file == str(path.absolute())]
        if users:
            yield Problem(str(image), f"is attached to {users[0]}", f"losetup -d {users[0]}")
        if path.exists() and not path.is_file():
            yield Problem(str(path), "is not a regular file", "Choose another file name.")
    folder = next((parent for parent in image.absolute().parents if parent.exists()), None)
    if folder is not None and not folder.is_dir():
        yield Problem(str(image), f"cannot be made: {folder} is not a directory")
    yield from size_refusals(storage, disk, disk_facts(disk, machine), str(image))


def size_refusals(storage: Storage, disk: Disk, facts: DiskFacts, name: str) -> Iterator[Problem]:
    """Whether the partitions fit, and each of them can hold its file system."""
    ours = [part for part in storage.partitions if part.disk == disk.id]
    try:
        spans = lay_out(facts, storage.table, ours)
    except DoesNotFit as error:
        needed = max(error.needed, minimum_sizes(ours).get(disk.id, 0) * MIB)
        yield _too_small(name, needed, facts.size)
        return
    except StorageError as error:
        yield Problem(name, error.message, error.hint)
        return
    needed = minimum_sizes(ours).get(disk.id, 0) * MIB
    if needed > facts.size:
        yield _too_small(name, needed, facts.size)
        return
    for part, size in sizes(spans, facts.sector_size):
        least, has = smallest_mb(part), size // MIB
        if has < least:
            what = part.mountpoint or part.role
            yield Problem(
                name, f"{part.filesystem} for {what} needs {least} MiB, it gets {has} MiB"
            )


def _too_small(name: str, needed: int, available: int) -> Problem:
    return Problem(
        name,
        f"is too small: {-(-needed // MIB)} MiB are needed, {available // MIB} MiB are there",
        "Choose a larger disk, or smaller partitions.",
    )


def _mountpoint_problems(plan: InstallPlan) -> Iterator[Problem]:
    for part in plan.storage.partitions:
        for point in mount_points(part):
            inside = any(point.path == p or point.path.startswith(f"{p}/") for p in _PLACES)
            if point.path != "/" and not inside:
                yield Problem(point.path, "nothing can be mounted here on a tree", "Use /var/….")


def _local_source(plan: InstallPlan) -> str:
    """The path of the repository or tar file that is installed from, "" for one on the network."""
    if plan.source.archive:
        return str(plan.source.archive)
    parts = urlsplit(plan.source.url)
    return unquote(parts.path) if parts.scheme == "file" else ""


def _gib(size: int) -> str:
    return f"{size / 1024**3:.0f} GiB"
