"""A plan -> the kickstart that gives this plan again, in JSON.

Passwords leave only as hashes; still, write the file with mode 0600.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from installer.kickstart.variables import escaped
from installer.plan import (
    Disk,
    Host,
    InstallPlan,
    Interface,
    Network,
    Partition,
    Password,
    Profile,
    Script,
    Scripts,
    Source,
    Storage,
    Subvolume,
    User,
)

Keys = dict[str, Any]


def kickstart_from_plan(plan: InstallPlan) -> str:
    """JSON text. It names the same local repository, files and disks as the plan."""
    keys: Keys = {
        "arch": plan.arch,
        "ostree": _ostree(plan.profile, plan.source),
        **_storage(plan.storage),
        "live": plan.live,
        **_host(plan.host),
        "network": _network(plan.network),
        **_scripts(plan.scripts),
    }
    return json.dumps(escaped(keys), indent=4, ensure_ascii=False) + "\n"


def _filled(keys: Keys) -> Keys:
    """Without what says nothing."""
    return {key: value for key, value in keys.items() if value not in (None, "", [], {}, ())}


def _ostree(profile: Profile, source: Source) -> Keys:
    keys: Keys = {"profile": profile.value}
    if profile is Profile.CUSTOM_HOST:
        keys["repo_url"] = source.url
    else:
        keys["default_repo"] = True
        keys["path"] = str(source.archive or unquote(urlsplit(source.url).path))
    keys["repo_ref"] = source.ref
    keys["commit"] = source.commit
    keys["remote"] = source.remote.name
    keys["osname"] = source.osname
    keys["gpg_verify"] = source.remote.gpg_verify
    keys["gpg_key"] = str(source.remote.gpg_key or "")
    return _filled(keys)


def _storage(storage: Storage) -> Keys:
    # The BIOS boot partition has no words in a kickstart: bootmode brings it back
    named = [partition for partition in storage.partitions if partition.role != "bios"]
    return {
        "disks": {disk.id: _disk(disk) for disk in storage.disks},
        "partition_type": storage.table.value,
        "bootmode": storage.bootmode.value,
        "partitions": [_partition(partition) for partition in named],
    }


def _disk(disk: Disk) -> Keys:
    if disk.device is not None:
        return {"device": str(disk.device)}
    return {"filename": str(disk.image), "size": disk.size_mb, "sector_size": disk.sector_size}


def _partition(partition: Partition) -> Keys:
    keys = _filled(
        {
            "mountpoint": partition.mountpoint,
            "filesystem": partition.filesystem,
            "disk_id": partition.disk,
            "label": partition.label,
            "partlabel": partition.partlabel,
            "fs_options": partition.mount_options,
            "mkfs_options": list(map(shlex.quote, partition.mkfs_options)),
        }
    )
    if partition.size_percent:
        keys["sizepercent"] = partition.size_percent
    else:
        keys["size"] = partition.size_mb
    if partition.subvolumes:
        keys["btrfs"] = {"subvols": _subvolumes(partition.subvolumes)}
    if partition.lvm is not None:
        keys["lvm"] = {"vg_name": partition.lvm.group, "lv_name": partition.lvm.name}
    return keys


def _subvolumes(subvolumes: Sequence[Subvolume], parent: str = "") -> list[Keys]:
    """As a tree again: a/b is a subvolume in a."""
    keys = []
    for subvolume in subvolumes:
        name = subvolume.name.removeprefix(parent)
        if subvolume.name.startswith(parent) and "/" not in name:
            inner = _subvolumes(subvolumes, f"{subvolume.name}/")
            keys.append(
                _filled({"name": name, "mountpoint": subvolume.mountpoint, "subvols": inner})
            )
    return keys


def _host(host: Host) -> Keys:
    keys: Keys = {
        "hostname": host.hostname,
        "password": _password(host.root_password),
        "public_key": "\n".join(host.root_keys),
        "users": [_user(user) for user in host.users],
        "services": dict(host.services),
        "kargs": list(host.kernel_arguments),
        "additional_files": [{file.source: file.target} for file in host.files],
        "repos": {repository.id: dict(repository.options) for repository in host.repositories},
        "environment": dict(host.environment),
        "timezone": host.timezone,
    }
    return {**_filled(keys), "updates": host.updates}


def _password(password: Password) -> Keys:
    if password == Password():
        return {}
    text = password.hash.reveal() if password.hash is not None else "*"
    keys: Keys = {"text": text, "crypted": True}
    return keys if password.max_days is None else {**keys, "age": password.max_days}


def _user(user: User) -> Keys:
    keys: Keys = {
        "name": user.name,
        "password": _password(user.password),
        "groups": list(user.groups),
        "public_keys": list(user.public_keys),
    }
    return {**_filled(keys), "sudo": user.sudo}


def _network(network: Network) -> Keys:
    lower = {i.id: _interface(i) for i in network.interfaces if i.vlan_id is None}
    upper = {i.id: _interface(i) for i in network.interfaces if i.vlan_id is not None}
    return {"version": "2", "ethernets": lower, "vlans": upper}


def _interface(interface: Interface) -> Keys:
    names = {
        "addresses": list(interface.nameservers),
        "search": list(interface.search),
    }
    match = {"name": interface.match_name, "macaddress": interface.match_mac}
    keys = _filled(
        {
            "match": _filled(match),
            "id": interface.vlan_id,
            "link": interface.link,
            "addresses": list(interface.addresses),
            "gateway": interface.gateway,
            "nameservers": _filled(names),
        }
    )
    keys |= {"dhcp4": interface.dhcp4, "dhcp6": interface.dhcp6}
    return keys if interface.accept_ra is None else {**keys, "accept-ra": interface.accept_ra}


def _scripts(scripts: Scripts) -> Keys:
    return _filled(
        {
            "preinstallscripts": _inline(scripts.pre),
            "postinstallscripts": _inline(scripts.post),
            "firstboot": _filled({"scripts": _inline(scripts.firstboot)}),
        }
    )


def _inline(scripts: Sequence[Script]) -> list[Keys]:
    return [{"name": script.name, "text": script.text} for script in scripts]


def write_kickstart(plan: InstallPlan, path: Path) -> None:
    """Write it readable by its owner only, since it has password hashes."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(kickstart_from_plan(plan), encoding="utf-8")
