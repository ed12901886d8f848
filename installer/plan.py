"""InstallPlan: one frozen tree of values that says everything an installation does.

The wizard and the kickstart both end here; the steps start here. Nothing in it is a question any
more: sizes may still be "the rest", but every default is filled in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Profile(StrEnum):
    """What kind of machine this becomes (mission: three installation profiles)."""

    DEFAULT_HOST = "default"
    CUSTOM_HOST = "custom"
    SERVER = "server"


class BootMode(StrEnum):
    """Which firmware the disk boots under."""

    BIOS = "bios"
    EFI = "efi"
    DUAL = "dualboot"

    @property
    def bios(self) -> bool:
        return self is not BootMode.EFI

    @property
    def efi(self) -> bool:
        return self is not BootMode.BIOS


class TableType(StrEnum):
    GPT = "gpt"
    MSDOS = "msdos"


class Secret:
    """A value that must not be shown: `reveal` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)


@dataclass(frozen=True)
class Remote:
    """The remote the installed host follows. url is what it upgrades from, not always what the
    installer pulls from. gpg_key is an armoured or binary public key file on the installer."""

    name: str
    url: str
    gpg_verify: bool = True
    gpg_key: Path | None = None


@dataclass(frozen=True)
class Source:
    """The tree to install: pull ref (or exactly commit, its full 64 hex digits) from url.

    url is file:///… for a local repository (media, directory), or http(s)://.
    archive: a tar(.gz|.zst) that holds the repository, unpacked before the pull; url is then empty.
    """

    url: str
    ref: str
    remote: Remote
    commit: str | None = None
    osname: str = "photon"
    archive: Path | None = None


@dataclass(frozen=True)
class Disk:
    """A target disk: an existing block device, or an image file that will be made.

    size_mb (MiB) and sector_size (bytes) belong to images only.
    """

    id: str
    device: Path | None = None
    image: Path | None = None
    size_mb: int = 0
    sector_size: int = 512

    @property
    def name(self) -> str:
        return str(self.device or self.image)


@dataclass(frozen=True)
class Subvolume:
    """A btrfs subvolume and where it is mounted ("" = nowhere)."""

    name: str
    mountpoint: str = ""


@dataclass(frozen=True)
class LogicalVolume:
    """Of LVM: the volume group and the name in it."""

    group: str
    name: str

    @property
    def node(self) -> str:
        return f"/dev/{self.group}/{self.name}"


@dataclass(frozen=True)
class Partition:
    """A partition. role says what it is for: "bios" (BIOS boot), "efi", "boot", "root", "swap",
    "data". Exactly one of size_mb (MiB) and size_percent is set, or neither: the rest of the disk.

    lvm: it is this logical volume instead, in a partition that those of its group and disk share.
    """

    disk: str
    role: str
    filesystem: str = ""  # ext3 ext4 xfs btrfs swap vfat, "" for BIOS boot
    mountpoint: str = ""
    size_mb: int = 0
    size_percent: int = 0
    label: str = ""
    partlabel: str = ""
    mount_options: str = ""
    mkfs_options: tuple[str, ...] = ()
    subvolumes: tuple[Subvolume, ...] = ()
    lvm: LogicalVolume | None = None

    @property
    def takes_rest(self) -> bool:
        return not self.size_mb and not self.size_percent


@dataclass(frozen=True)
class Storage:
    """Disks and their partitions in on-disk order (the logical volumes of a group and disk one
    after the other), complete with what booting needs."""

    disks: tuple[Disk, ...]
    partitions: tuple[Partition, ...]
    table: TableType = TableType.GPT
    bootmode: BootMode = BootMode.DUAL


@dataclass(frozen=True)
class Password:
    """hash: a crypt(3) string, or None for a locked account. max_days as in chage -M, -1 never;
    0: it must be changed at the first login."""

    hash: Secret | None = None
    max_days: int | None = None


@dataclass(frozen=True)
class User:
    name: str
    password: Password = field(default_factory=Password)
    groups: tuple[str, ...] = ()
    public_keys: tuple[str, ...] = ()
    sudo: bool = False


@dataclass(frozen=True)
class CopiedFile:
    """A file or directory of the installer's machine (or a URL) copied to an absolute path."""

    source: str
    target: str


@dataclass(frozen=True)
class RpmRepository:
    """A .repo section to write: id and its keys in order."""

    id: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Host:
    """What makes this machine different from its tree."""

    hostname: str
    root_password: Password = field(default_factory=Password)
    root_keys: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    services: tuple[tuple[str, str], ...] = ()  # (unit, enabled | disabled | masked)
    kernel_arguments: tuple[str, ...] = ()
    files: tuple[CopiedFile, ...] = ()
    repositories: tuple[RpmRepository, ...] = ()
    updates: str = "none"  # none | check | stage | apply
    environment: tuple[tuple[str, str], ...] = ()
    timezone: str = ""  # as below /usr/share/zoneinfo, "" for the tree's own


@dataclass(frozen=True)
class Interface:
    """One network interface, physical (match_*) or VLAN (vlan_id on top of link).

    addresses are CIDR strings. id is the kickstart's name for it, and the file's name.
    """

    id: str
    match_name: str = ""
    match_mac: str = ""
    dhcp4: bool = False
    dhcp6: bool = False
    accept_ra: bool | None = None
    addresses: tuple[str, ...] = ()
    gateway: str = ""
    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    vlan_id: int | None = None
    link: str = ""


@dataclass(frozen=True)
class Network:
    interfaces: tuple[Interface, ...] = ()


@dataclass(frozen=True)
class Script:
    """Shell text with a name for messages; interpreter from its #! line, else /bin/bash."""

    name: str
    text: str


@dataclass(frozen=True)
class Scripts:
    """pre: in the installer, already run when a plan exists. post: inside the new deployment.
    firstboot: once, at the machine's first boot."""

    pre: tuple[Script, ...] = ()
    post: tuple[Script, ...] = ()
    firstboot: tuple[Script, ...] = ()


@dataclass(frozen=True)
class InstallPlan:
    """live: this machine will boot from the disk; false for images that are made for others (they
    get no machine id of their own and no entry in this machine's firmware)."""

    profile: Profile
    source: Source
    storage: Storage
    host: Host
    network: Network = field(default_factory=Network)
    scripts: Scripts = field(default_factory=Scripts)
    arch: str = "x86_64"
    live: bool = True
