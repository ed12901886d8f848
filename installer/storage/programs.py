"""The programs of the installer's machine that an installation will run."""

from __future__ import annotations

import shutil

from engine.command import ENVIRONMENT
from installer.plan import InstallPlan
from installer.storage.filesystems import create_command

_ALWAYS = ("wipefs", "partx", "blkid", "mount", "umount", "bwrap")
_LVM = ("dmsetup", "pvcreate", "vgcreate", "lvcreate", "vgchange")


def needed_programs(plan: InstallPlan) -> list[str]:
    """Their names, in order of the alphabet."""
    names = set(_ALWAYS)
    for part in plan.storage.partitions:
        if part.filesystem:
            names.add(create_command(part, "")[0])
        if part.subvolumes:
            names.add("btrfs")
        if part.lvm:
            names.update(_LVM)
    if plan.storage.bootmode.efi:
        names |= {"mmd", "mcopy"}
    if plan.host.services:
        names.add("systemctl")
    if plan.source.archive:
        names.add("tar")
    return sorted(names)


def is_installed(program: str) -> bool:
    """Whether `engine.command` would find it."""
    return shutil.which(program, path=ENVIRONMENT["PATH"]) is not None
