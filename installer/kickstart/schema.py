"""The kickstart's model: photon-os-installer's keys (version 2.x) as far as a tree knows them, and
ours. Keys that are refused with a reason are in `refused`, former names in `migrate`.

The JSON schema for editors, docs/kickstart.schema.json, is `schema_text()`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)

from engine.validation import SECRET, RuleError
from installer import rules
from installer.rules import Rule

SCHEMA_ID = "kickstart.schema.json"


def _ruled(rule: Rule) -> AfterValidator:
    """A rule as pydantic's validator."""

    def apply(text: str) -> str:
        if broken := rule(text):
            raise RuleError(broken.message, broken.hint)
        return text

    return AfterValidator(apply)


def _form(value: Any) -> str:
    return "text" if isinstance(value, str) else "map"


def _switch(value: object) -> object:
    """Photon's samples write dhcp4: "yes", as systemd does."""
    words = {"yes": True, "true": True, "no": False, "false": False}
    return words.get(value, value) if isinstance(value, str) else value


def _number(value: object) -> object:
    """Photon writes VLAN ids as text in the legacy form."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Switch = Annotated[
    bool,
    BeforeValidator(_switch),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no", "true", "false"]}]}),
]
VlanId = Annotated[
    int,
    Field(ge=1, le=4094),
    BeforeValidator(_number),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 4094}, {"type": "string"}]}
    ),
]
HostName = Annotated[str, _ruled(rules.hostname)]
Identifier = Annotated[str, _ruled(rules.identifier)]
IpAddress = Annotated[str, _ruled(rules.ip_address)]
Cidr = Annotated[str, _ruled(rules.interface_address)]
# A private key that is pasted by mistake must not be shown
KeyText = Annotated[str, _ruled(rules.public_key), SECRET]
Lines = Annotated[
    list[str] | str, Field(description="Lines of a script; its interpreter from the first (#!)")
]


class Keys(BaseModel):
    """A map with known keys only; no conversion between text, numbers and booleans."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class InlineScript(Keys):
    """A script in the kickstart itself."""

    name: Identifier
    text: str


ScriptFile = Annotated[
    Annotated[str, Tag("text")] | Annotated[InlineScript, Tag("map")], Discriminator(_form)
]
ScriptFiles = Annotated[
    list[ScriptFile], Field(description="Files beside the kickstart or in search_path")
]


class Ostree(Keys):
    """The tree: from the media, or from a repository of one's own."""

    default_repo: bool | None = Field(None, description="Install from the installer's media")
    repo_url: Annotated[str, _ruled(rules.repository_url)] | None = Field(
        None, description="URL of the repository to install from and to follow"
    )
    repo_ref: Annotated[str, _ruled(rules.ostree_ref)] | None = Field(
        None, description="The branch, such as photon/5.0/x86_64/minimal"
    )
    path: str | None = Field(
        None, description="A repository's directory or tar file on the installer, for default_repo"
    )
    profile: Literal["default", "custom", "server"] | None = Field(
        None, description="What the machine becomes; follows from the source if absent"
    )
    gpg_key: str | None = Field(None, description="Public key file that signs the commits")
    gpg_verify: bool | None = Field(
        None, description="Whether commits must be signed; true if there is a gpg_key"
    )
    commit: Annotated[str, _ruled(rules.commit)] | None = Field(
        None, description="Install exactly this commit of the branch"
    )
    remote: Annotated[str, _ruled(rules.remote_name)] = Field(
        "photon", description="What the remote is called on the host"
    )
    osname: Annotated[str, _ruled(rules.remote_name)] = Field(
        "photon", description="The state root below /ostree/deploy"
    )


class DiskKeys(Keys):
    """A device to install on, or an image file to make."""

    device: Annotated[str, _ruled(rules.device)] | None = None
    filename: str | None = Field(None, min_length=1, description="An image file to make")
    size: int | None = Field(None, gt=0, description="MB (MiB) of the image")
    sector_size: Literal[512, 4096] = Field(512, description="Bytes, of the image")


class Subvol(Keys):
    """A btrfs subvolume, and those in it."""

    name: str = Field(min_length=1, pattern=r"^[^/]+$")
    mountpoint: str = ""
    subvols: list[Subvol] = []


class Btrfs(Keys):
    label: str = ""
    subvols: list[Subvol] = []


class Lvm(Keys):
    """A logical volume; those of one group and disk share a partition."""

    vg_name: Annotated[str, _ruled(rules.volume_group)] = Field(description="Its volume group")
    lv_name: Annotated[str, _ruled(rules.logical_volume)] = Field(description="Its name there")


class PartitionKeys(Keys):
    mountpoint: str = Field("", description="Where it is mounted; none for swap")
    size: int | None = Field(None, ge=0, description="MB (MiB); 0: the rest of the disk")
    sizepercent: int | None = Field(None, ge=1, le=100, description="Percent of the whole disk")
    filesystem: Literal["ext4", "ext3", "xfs", "btrfs", "vfat", "swap"] | None = Field(
        None, description="ext4 if absent (vfat for /boot/efi)"
    )
    disk_id: str = Field("default", description="One of the ids in disks")
    label: str = Field("", description="The file system's label")
    partlabel: str = Field("", description="The partition's name in a GPT")
    fs_options: str | list[str] = Field("", description="Mount options")
    mkfs_options: str | list[str] = Field("", description="Arguments for mkfs")
    btrfs: Btrfs | None = None
    lvm: Lvm | None = Field(None, description="A logical volume instead of a partition")


class PasswordKeys(Keys):
    """A password, in clear text or as a crypt(3) hash."""

    text: Annotated[str, SECRET]
    crypted: bool = Field(False, description="text is a hash, made by openssl passwd -6")
    age: int | None = Field(
        None, ge=-1, description="Days it is valid; 0: change at first login, -1: never expires"
    )


Password = Annotated[PasswordKeys, SECRET]


class PublicKeyKeys(Keys):
    key: KeyText
    reason: str = Field("", description="For the reader")


PublicKey = Annotated[
    Annotated[KeyText, Tag("text")] | Annotated[PublicKeyKeys, Tag("map")], Discriminator(_form)
]


class UserKeys(Keys):
    name: Annotated[str, _ruled(rules.user_name)]
    password: Password | None = Field(None, description="Absent: the account is locked")
    groups: list[Annotated[str, _ruled(rules.group_name)]] = []
    public_keys: list[PublicKey] = []
    sudo: bool = Field(False, description="May become root by sudo")


class Match(Keys):
    name: Annotated[str, _ruled(rules.interface_name)] | None = None
    macaddress: Annotated[str, _ruled(rules.mac_address)] | None = None


class Nameservers(Keys):
    addresses: list[IpAddress] = []
    search: list[HostName] = []


class InterfaceKeys(Keys):
    dhcp4: Switch = False
    dhcp6: Switch = False
    accept_ra: Switch | None = Field(None, alias="accept-ra")
    addresses: list[Cidr] = Field([], description="With prefix length: 192.0.2.10/24")
    gateway: IpAddress | None = None
    nameservers: Nameservers | None = None


class EthernetKeys(InterfaceKeys):
    match: Match | None = Field(None, description="Absent: the id is the interface's name")


class VlanKeys(InterfaceKeys):
    match: Match | None = None
    id: VlanId
    link: str = Field(description="The id of the ethernet below")


class Network2(Keys):
    version: Literal["2", 2] = "2"
    hostname: HostName | None = None
    ethernets: dict[Identifier, EthernetKeys] = {}
    vlans: dict[Identifier, VlanKeys] = {}
    nameservers: Nameservers | None = Field(
        None, description="For interfaces that have none of their own"
    )


class Network1(Keys):
    """The legacy form of photon-os-installer."""

    version: Literal["1", 1] = "1"
    type: Literal["dhcp", "static", "vlan"]
    hostname: HostName | None = None
    ip_addr: IpAddress | None = None
    netmask: Annotated[str, _ruled(rules.netmask)] | None = None
    gateway: IpAddress | None = None
    nameserver: IpAddress | None = None
    vlan_id: VlanId | None = None


def _network_form(value: Any) -> str:
    legacy = isinstance(value, dict) and ("type" in value or str(value.get("version")) == "1")
    return "1" if legacy else "2"


Network = Annotated[
    Annotated[Network1, Tag("1")] | Annotated[Network2, Tag("2")], Discriminator(_network_form)
]


class Firstboot(Keys):
    scripts: ScriptFiles = []


class Kickstart(Keys):
    """Everything an unattended installation is told."""

    schema_uri: str | None = Field(None, alias="$schema", description="For editors")
    ostree: Ostree | None = None
    disk: Annotated[str, _ruled(rules.device)] | None = None
    disks: dict[Identifier, DiskKeys] | None = None
    partitions: list[PartitionKeys] | None = None
    partition_type: Literal["gpt", "msdos"] = "gpt"
    bootmode: Literal["bios", "efi", "dualboot"] | None = None
    arch: Literal["x86_64", "aarch64"] | None = None
    live: bool | None = Field(None, description="Whether this machine will boot from the disk")
    hostname: HostName | None = None
    password: Password | None = Field(None, description="Of root; absent: locked")
    shadow_password: Annotated[str, SECRET, _ruled(rules.password_hash)] | None = None
    public_key: PublicKey | None = Field(None, description="Lets root log in over SSH")
    users: list[UserKeys] = []
    timezone: Annotated[str, _ruled(rules.time_zone)] | None = Field(
        None, description="A name of the IANA database; absent: that of the tree"
    )
    network: Network | None = None
    preinstall: Lines = []
    preinstallscripts: ScriptFiles = []
    postinstall: Lines = []
    postinstallscripts: ScriptFiles = []
    firstboot: Firstboot | None = None
    environment: dict[Annotated[str, _ruled(rules.variable_name)], str] = {}
    search_path: list[str] = []
    additional_files: list[dict[str, str]] | dict[str, str] = []
    services: dict[
        Annotated[str, _ruled(rules.unit_name)], Literal["enabled", "disabled", "masked"]
    ] = {}
    repos: dict[Identifier, dict[str, str | int | bool]] = {}
    insecure_repo: bool = Field(False, description="Do not verify the servers of repos")
    kargs: list[Annotated[str, _ruled(rules.kernel_argument)]] = []
    updates: Literal["none", "check", "stage", "apply"] = "none"
    eject_cdrom: bool = False
    ui: bool = False
    log_level: Literal["error", "warning", "info", "debug"] = "info"


def schema_text() -> str:
    """The JSON schema, as it is committed. A variable ($NAME) may stand for a number or boolean."""
    schema = _with_variables(Kickstart.model_json_schema(by_alias=True))
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Photree kickstart",
    }
    return json.dumps({**head, **schema, "title": head["title"]}, indent=2) + "\n"


def write_schema(path: Path) -> None:
    path.write_text(schema_text(), encoding="utf-8")


_VARIABLE = {"type": "string", "pattern": r"^\$"}


def _with_variables(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_variables(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in ("integer", "boolean"):
        outer = {key: schema[key] for key in ("title", "description", "default") if key in schema}
        inner = {key: value for key, value in schema.items() if key not in outer}
        return {**outer, "anyOf": [inner, _VARIABLE]}
    return {key: _with_variables(value) for key, value in schema.items()}
