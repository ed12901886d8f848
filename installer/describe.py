"""A plan in words: what will be installed, where from, and what is destroyed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.errors import StorageError
from installer.branches import Branch
from installer.plan import Disk, InstallPlan, Interface, Partition, Password
from installer.probe import BlockDevice, Machine
from installer.sizes import size_text
from installer.storage.geometry import MIB, lay_out, node
from installer.storage.lvm import PhysicalVolume
from installer.storage.refusals import disk_facts


def describe_plan(plan: InstallPlan, machine: Machine) -> list[str]:
    """Lines of text, below 100 columns as far as names allow; no secret is in them."""
    lines = ["Source", *_pairs(_source(plan)), "", "Host", *_pairs(_host(plan))]
    for disk in plan.storage.disks:
        lines += ["", f"Disk {disk.name}  ({plan.storage.table}, boots under {_firmware(plan)})"]
        lines += [f"  {line}" for line in _partitions(plan, disk, machine)]
    lost = list(destroyed(plan, machine))
    lines += ["", "Will be destroyed", *(f"  {line}" for line in lost or ["nothing"])]
    return lines


def review_plan(plan: InstallPlan, machine: Machine, tree: Branch | None) -> list[str]:
    """All that a person should read before the disks are written. tree: what will be transferred,
    None while that is not known."""
    lost = list(destroyed(plan, machine))
    lines = ["THIS WILL BE DESTROYED", *(f"  {line}" for line in lost or ["nothing"])]
    for disk in plan.storage.disks:
        device = machine.find(disk.name) if disk.device else None
        if device is not None:
            lines += ["", f"{disk.name} NOW"]
            lines += [f"  {line}" for line in current_partitions(device)]
        lines += ["", f"{disk.name} AFTERWARDS ({plan.storage.table}, for {_firmware(plan)})"]
        lines += [f"  {line}" for line in _partitions(plan, disk, machine)]
    lines += ["", "SOURCE", *_pairs(_source(plan)), *_pairs(_transfer(tree))]
    return [*lines, "", "HOST AND NETWORK", *_pairs(_host(plan))]


def current_partitions(device: BlockDevice) -> list[str]:
    """A disk's table as it is, or that it has none."""
    parts = device.partitions
    if not parts:
        content = device.filesystem or (f"an empty {device.table} table" if device.table else "")
        return [f"no partitions{f', {content}' if content else ''}"]
    rows: list[tuple[str, ...]] = [("PARTITION", "SIZE", "FORMAT", "LABEL")]
    rows += [(p.path, size_text(p.size), p.filesystem or "-", p.label or "-") for p in parts]
    return _table(rows)


def _transfer(tree: Branch | None) -> Iterator[tuple[str, str]]:
    if tree is None:
        return
    if tree.version:
        yield "version", tree.version
    if tree.commit:
        yield "commit", tree.commit
    size = f"{tree.size / 10**6:.1f} MB" if tree.size is not None else "not known before"
    yield "to transfer", size


def destroyed(plan: InstallPlan, machine: Machine) -> Iterator[str]:
    """What is on the plan's disks now: a line for each disk, partition and file system."""
    for disk in plan.storage.disks:
        if disk.image is not None:
            if disk.image.exists():
                yield f"{disk.image} (replaced when the new image is complete)"
            continue
        device = machine.find(disk.name)
        if device is None:
            continue
        table = f"{device.table} table" if device.table else ""
        words = [device.model, size_text(device.size), table]
        yield f"{device.path}: everything ({', '.join(filter(None, words))})"
        for part in (device, *device.partitions):
            if part.filesystem:
                yield f"  {_content(part)}"


def real_disks(plan: InstallPlan) -> list[str]:
    """The block devices that will be wiped, as the plan names them."""
    return [disk.name for disk in plan.storage.disks if disk.device is not None]


def _content(part: BlockDevice) -> str:
    label = f" {part.label!r}" if part.label else ""
    return f"{part.path}: {part.filesystem}{label}, {size_text(part.size)}"


def _source(plan: InstallPlan) -> Iterator[tuple[str, str]]:
    source, remote = plan.source, plan.source.remote
    yield "profile", f"{plan.profile} host"
    yield "tree", source.ref + (f", commit {source.commit}" if source.commit else "")
    yield "copied from", source.url or str(source.archive)
    checked = "verified by GPG" if remote.gpg_verify else "signatures not verified"
    yield "updates from", f"{remote.name}: {remote.url} ({checked})"


def _host(plan: InstallPlan) -> Iterator[tuple[str, str]]:
    host = plan.host
    yield "name", host.hostname
    yield "root", _account(host.root_password, host.root_keys)
    for user in host.users:
        more = [*user.groups, *(["may use sudo"] if user.sudo else [])]
        yield (
            "user",
            f"{user.name}: {', '.join([_account(user.password, user.public_keys), *more])}",
        )
    for link in plan.network.interfaces:
        yield "network", _interface(link)
    for unit, state in host.services:
        yield "service", f"{unit} {state}"
    if host.kernel_arguments:
        yield "kernel", " ".join(host.kernel_arguments)
    for file in host.files:
        yield "file", f"{file.source} -> {file.target}"
    for repository in host.repositories:
        yield "repository", repository.id
    for when, scripts in (("after", plan.scripts.post), ("first boot", plan.scripts.firstboot)):
        for script in scripts:
            yield "script", f"{script.name} ({when})"
    if host.timezone:
        yield "time zone", host.timezone
    yield "updates", host.updates


def _account(password: Password, keys: Sequence[str]) -> str:
    text = "password set" if password.hash else "no password"
    return f"{text}, {len(keys)} SSH key{'s' * (len(keys) != 1)}"


def _interface(link: Interface) -> str:
    match = link.match_mac or link.match_name or link.id
    words = [f"VLAN {link.vlan_id} on {link.link}" if link.vlan_id is not None else match]
    words += ["DHCP"] * link.dhcp4 + ["DHCPv6"] * link.dhcp6 + list(link.addresses)
    if link.gateway:
        words.append(f"gateway {link.gateway}")
    if link.nameservers:
        words.append(f"DNS {' '.join(link.nameservers)}")
    return ", ".join(words)


def _partitions(plan: InstallPlan, disk: Disk, machine: Machine) -> list[str]:
    ours = [part for part in plan.storage.partitions if part.disk == disk.id]
    try:
        facts = disk_facts(disk, machine)
        spans = lay_out(facts, plan.storage.table, ours)
    except StorageError as error:
        return [f"(no places yet: {error.message})"]
    device = str(machine.resolve(disk.name)) if disk.device else ""
    rows: list[tuple[str, ...]] = [("PARTITION", "MOUNTED AT", "ROLE", "SIZE", "FORMAT", "LABEL")]
    for span in spans:
        size = span.length * facts.sector_size
        name = node(device, span.number) if device else f"partition {span.number}"
        rows.append(_partition(name, span.partition, size))
        if isinstance(span.partition, PhysicalVolume):
            rows += _logical_volumes(span.partition, size)
    return _table(rows)


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _logical_volumes(physical: PhysicalVolume, size: int) -> Iterator[tuple[str, ...]]:
    for part, size_mb in physical.sizes_mb(size // MIB):
        yield _partition(f"  {part.lvm.node}" if part.lvm else "", part, size_mb * MIB)


def _partition(name: str, part: Partition, size: int) -> tuple[str, ...]:
    points = [part.mountpoint, *(sub.mountpoint for sub in part.subvolumes)]
    where = ", ".join(dict.fromkeys(filter(None, points))) or "-"
    return name, where, part.role, size_text(size), part.filesystem or "-", part.label or "-"


def _pairs(pairs: Iterator[tuple[str, str]]) -> list[str]:
    return [f"  {name:<13} {value}" for name, value in pairs]


def _firmware(plan: InstallPlan) -> str:
    return {"bios": "BIOS", "efi": "UEFI", "dualboot": "BIOS and UEFI"}[plan.storage.bootmode]
