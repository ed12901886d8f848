"""The order of an installation."""

from dataclasses import replace
from pathlib import Path

from installer.plan import (
    BootMode,
    CopiedFile,
    Disk,
    Host,
    Interface,
    LogicalVolume,
    Network,
    Script,
    Scripts,
)
from installer.sequence import installation_steps
from tests.installer.plans import ROOT, make_plan

IMAGE = Disk("default", image=Path("disk.img"), size_mb=4096)


def ids(plan):
    return [step.id for step in installation_steps(plan)]


def test_the_least_there_is_to_do():
    assert ids(make_plan(bootmode=BootMode.BIOS)) == [
        "check-target",
        "partition-disks",
        "format-volumes",
        "mount-target",
        "initialise-sysroot",
        "mount-data",
        "configure-remote",
        "pull-tree",
        "deploy-tree",
        "write-fstab",
        "configure-host",
        "create-accounts",
        "install-grub-bios",
        "finish",
    ]


def test_everything_there_may_be_to_do():
    plan = make_plan(
        disk=IMAGE,
        host=Host("h", services=(("a.service", "enabled"),), files=(CopiedFile("/a", "/etc/a"),)),
        network=Network((Interface("lan"),)),
        scripts=Scripts(post=(Script("p", ""),), firstboot=(Script("f", ""),)),
    )
    found = ids(plan)
    assert found[:2] == ["check-target", "create-images"]
    assert found[-11:] == [
        "configure-host",
        "create-accounts",
        "configure-network",
        "copy-files",
        "enable-services",
        "schedule-first-boot",
        "run-post-scripts",
        "install-grub-bios",
        "install-grub-efi",
        "finish",
        "publish-images",
    ]


def test_logical_volumes_are_made_between_partitions_and_file_systems():
    found = ids(make_plan(replace(ROOT, lvm=LogicalVolume("vg0", "root"))))
    assert found[1:4] == ["partition-disks", "create-volume-groups", "format-volumes"]


def test_only_a_disk_that_boots_here_gets_a_boot_entry():
    assert "register-boot-entry" in ids(make_plan())
    assert "register-boot-entry" not in ids(make_plan(disk=IMAGE))
    assert "register-boot-entry" not in ids(make_plan(live=False))
    assert "register-boot-entry" not in ids(make_plan(ROOT, bootmode=BootMode.BIOS))


def test_every_step_has_a_title_and_an_id_of_its_own():
    steps = installation_steps(make_plan(disk=IMAGE))
    assert len({step.id for step in steps}) == len(steps)
    assert all(step.title[0].isupper() and step.weight > 0 for step in steps)
