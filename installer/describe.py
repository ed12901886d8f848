"""A plan in words: what will be installed, where from, and what is destroyed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.errors import StorageError
from installer.plan import Disk, InstallPlan, Interface, Password
from installer.probe import BlockDevice, Machine
from installer.storage.geometry import MIB, Span, lay_out, node
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
        words = [device.model, _size(device.size), f"{device.table} table" if device.table else ""]
        yield f"{device.path}: everything ({', '.join(filter(None, words))})"
        for part in (device, *device.partitions):
            if part.filesystem:
                yield f"  {_content(part)}"


def real_disks(plan: InstallPlan) -> list[str]:
    """The block devices that will be wiped, as the plan names them."""
    return [disk.name for disk in plan.storage.disks if disk.device is not None]


def _content(part: BlockDevice) -> str:
    label = f" {part.label!r}" if part.label else ""
    return f"{part.path}: {part.filesystem}{label}, {_size(part.size)}"


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
    rows += [_partition(span, device, facts.sector_size) for span in spans]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _partition(span: Span, device: str, sector_size: int) -> tuple[str, ...]:
    part = span.partition
    name = node(device, span.number) if device else f"partition {span.number}"
    points = [part.mountpoint, *(sub.mountpoint for sub in part.subvolumes)]
    where = ", ".join(dict.fromkeys(filter(None, points))) or "-"
    size = _size(span.length * sector_size)
    return name, where, part.role, size, part.filesystem or "-", part.label or "-"


def _pairs(pairs: Iterator[tuple[str, str]]) -> list[str]:
    return [f"  {name:<13} {value}" for name, value in pairs]


def _firmware(plan: InstallPlan) -> str:
    return {"bios": "BIOS", "efi": "UEFI", "dualboot": "BIOS and UEFI"}[plan.storage.bootmode]


def _size(size: int) -> str:
    return f"{size // MIB} MiB" if size < 10240 * MIB else f"{size / 1024**3:.1f} GiB"
