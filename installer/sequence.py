"""The order of an installation."""

from __future__ import annotations

from collections.abc import Mapping

from installer.plan import InstallPlan
from installer.steps.check_target import CheckTarget
from installer.steps.configure_host import ConfigureHost
from installer.steps.configure_network import ConfigureNetwork
from installer.steps.configure_remote import ConfigureRemote
from installer.steps.copy_files import CopyFiles
from installer.steps.create_accounts import CreateAccounts
from installer.steps.create_images import CreateImages, PublishImages
from installer.steps.create_volume_groups import CreateVolumeGroups
from installer.steps.deploy_tree import DeployTree
from installer.steps.enable_services import EnableServices
from installer.steps.find_volumes import FindVolumes
from installer.steps.finish import Finish
from installer.steps.format_volumes import FormatVolumes
from installer.steps.initialise_sysroot import InitialiseSysroot
from installer.steps.install_grub_bios import InstallGrubBios
from installer.steps.install_grub_efi import InstallGrubEfi
from installer.steps.keep_record import KeepRecord, Record
from installer.steps.mount_target import MountData, MountTarget
from installer.steps.partition_disks import PartitionDisks
from installer.steps.pull_tree import PullTree
from installer.steps.register_boot_entry import RegisterBootEntry
from installer.steps.run_post_scripts import RunPostScripts
from installer.steps.schedule_first_boot import ScheduleFirstBoot
from installer.steps.step import Step
from installer.steps.unpack_repository import RemoveUnpacked, UnpackRepository
from installer.steps.write_fstab import WriteFstab


def installation_steps(plan: InstallPlan, record: Record | None = None) -> list[Step]:
    """Everything that makes the plan's disks, in order. The first step refuses; only the second
    one and later ones write. record: what the machine keeps of its installation; images are for
    others, they keep nothing."""
    images = any(disk.image for disk in plan.storage.disks)
    lvm = any(part.lvm for part in plan.storage.partitions)
    archive = plan.source.archive
    bootmode = plan.storage.bootmode
    boots_here = plan.live and not images and bootmode.efi
    steps: list[Step | None] = [
        CheckTarget(),
        CreateImages() if images else None,
        PartitionDisks(),
        CreateVolumeGroups() if lvm else None,
        FormatVolumes(),
        MountTarget(),
        InitialiseSysroot(),
        MountData(),
        ConfigureRemote(),
        UnpackRepository(archive) if archive else None,
        PullTree(),
        RemoveUnpacked() if archive else None,
        DeployTree(),
        WriteFstab(),
        ConfigureHost(),
        CreateAccounts(),
        ConfigureNetwork() if plan.network.interfaces else None,
        CopyFiles() if plan.host.files else None,
        EnableServices() if plan.host.services else None,
        ScheduleFirstBoot() if plan.scripts.firstboot else None,
        RunPostScripts() if plan.scripts.post else None,
        InstallGrubBios() if bootmode.bios else None,
        InstallGrubEfi() if bootmode.efi else None,
        RegisterBootEntry() if boots_here else None,
        KeepRecord(record) if record is not None and not images else None,
        Finish(),
        PublishImages() if images else None,
    ]
    return [step for step in steps if step is not None]


def resumed_steps(
    plan: InstallPlan, uuids: Mapping[str, str], record: Record | None = None
) -> list[Step]:
    """The same from the transfer of the tree on, on the file systems that an attempt has made.
    uuids: of them, by their nodes."""
    steps = installation_steps(plan, record)
    transfers = (UnpackRepository, PullTree)
    start = next(number for number, step in enumerate(steps) if isinstance(step, transfers))
    return [CheckTarget(), FindVolumes(uuids), MountTarget(), MountData(), *steps[start:]]
