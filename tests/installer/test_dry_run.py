"""A dry run shows the whole plan and every action, and does none of it."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from installer.describe import describe_plan, destroyed
from installer.plan import (
    Disk,
    Host,
    Interface,
    LogicalVolume,
    Network,
    Partition,
    Password,
    Script,
    Scripts,
    Secret,
    User,
)
from installer.probe import machine_from
from installer.runner import run_steps
from installer.sequence import installation_steps
from tests.installer.plans import MACHINE, ROOT, context_telling, dry_context, make_plan
from tui.installer_run import DryConsole

HERE = Path(__file__).parent
SECRET = "$6$salt$hash"


@pytest.fixture(scope="module")
def busy():
    return machine_from(json.loads((HERE / "machines/busy.json").read_text()))


@pytest.fixture(scope="module")
def plan():
    """As much as one plan can ask for. live is off: a machine id would differ each time."""
    ada = User("ada", Password(Secret(SECRET)), ("wheel",), ("ssh-ed25519 AAAA ada",), sudo=True)
    return make_plan(
        Partition("default", "swap", "swap", size_mb=512, label="swap"),
        Partition("default", "data", "xfs", "/var", size_percent=40),
        ROOT,
        disk=Disk("default", device=Path("/dev/disk/by-id/nvme-Fast_N7")),
        host=Host(
            "photon-host-def",
            Password(Secret(SECRET)),
            users=(ada,),
            services=(("nginx.service", "enabled"),),
            kernel_arguments=("console=ttyS0,115200",),
        ),
        network=Network((Interface("lan", match_name="e*", dhcp4=True),)),
        scripts=Scripts(post=(Script("postinstall", "echo $SECRET"),)),
        url="https://example.test/repo",
        live=False,
    )


@pytest.fixture(scope="module")
def output(plan, busy):
    text = io.StringIO()
    text.write("\n".join(describe_plan(plan, busy)) + "\n")
    run_steps(installation_steps(plan), context_telling(DryConsole(text), plan, busy))
    return text.getvalue()


def test_the_whole_output_is_as_recorded(output):
    golden = HERE / "golden/dry-run.txt"
    assert output == golden.read_text(), "see the difference, then write it to golden/dry-run.txt"


def test_no_secret_is_shown(output):
    assert SECRET not in output


def test_lines_of_the_plan_fit_a_terminal(plan, busy):
    assert max(len(line) for line in describe_plan(plan, busy)) <= 100


def test_logical_volumes_are_shown_below_their_partition():
    lvm = LogicalVolume("vg0", "root")
    swap = Partition("default", "swap", "swap", size_mb=510, lvm=LogicalVolume("vg0", "swap"))
    plan = make_plan(replace(ROOT, lvm=lvm), swap)
    table = describe_plan(plan, MACHINE)
    start = next(number for number, line in enumerate(table) if "/dev/vda4" in line)
    assert table[start : start + 3] == [
        "  /dev/vda4        -           lvm   7546 MiB  -       -",
        "    /dev/vg0/swap  -           swap  512 MiB   swap    -",
        "    /dev/vg0/root  /           root  7032 MiB  ext4    -",
    ]


def test_what_a_disk_holds_is_what_is_destroyed(plan, busy):
    assert list(destroyed(plan, busy)) == [
        "/dev/nvme0n1: everything (Fast, 500.0 GiB, gpt table)",
        "  /dev/nvme0n1p1: ext4 'old', 499.0 GiB",
    ]


def test_an_empty_disk_loses_nothing_but_is_named():
    assert list(destroyed(make_plan(), MACHINE)) == ["/dev/vda: everything (8192 MiB)"]


def test_an_image_that_exists_is_named_as_replaced(tmp_path):
    image = tmp_path / "disk.img"
    plan = make_plan(disk=Disk("default", image=image, size_mb=4096))
    assert list(destroyed(plan, MACHINE)) == []
    image.touch()
    assert list(destroyed(plan, MACHINE)) == [f"{image} (replaced when the new image is complete)"]


def test_a_dry_run_of_an_image_makes_no_file(tmp_path):
    plan = make_plan(disk=Disk("default", image=tmp_path / "disk.img", size_mb=4096))
    ctx, told = dry_context(plan)
    run_steps(installation_steps(plan), ctx)
    assert told.lines[-1] == "- detach /dev/loop0"
    assert list(tmp_path.iterdir()) == []
