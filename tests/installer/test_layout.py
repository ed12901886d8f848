"""Layouts: what is added, in which order, what is refused, how large a disk must be."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.plan import BootMode, LogicalVolume, Partition, Subvolume, TableType
from installer.storage.geometry import MIB, DiskFacts, lay_out, sizes
from installer.storage.layout import (
    complete_layout,
    default_partitions,
    layout_problems,
    layout_warnings,
    minimum_sizes,
    role_of,
)

DISKS = ["default", "data"]


def part(mountpoint: str = "", size: int = 0, filesystem: str = "ext4", **more) -> Partition:
    return Partition(
        more.pop("disk", "default"),
        role_of(mountpoint, filesystem),
        filesystem,
        mountpoint,
        size,
        **more,
    )


ROOT = part("/")
VOLUME = LogicalVolume("vg0", "a")


@st.composite
def layouts(draw) -> list[Partition]:
    """Partitions that a user may ask for, without problems."""
    points = ["/boot", "/boot/efi", "/var", "/home", "/var/log", "/srv", "/tmp"]
    chosen = draw(st.lists(st.sampled_from(points), unique=True))
    wanted = [part("/", draw(st.sampled_from([0, 2048])))]
    for point in chosen:
        disk = draw(st.sampled_from(DISKS)) if not point.startswith("/boot") else "default"
        kind = "vfat" if point == "/boot/efi" else draw(st.sampled_from(["ext4", "xfs", "btrfs"]))
        wanted.append(part(point, draw(st.integers(100, 9000)), kind, disk=disk))
    if draw(st.booleans()):
        wanted.append(part("", 512, "swap"))
    if draw(st.booleans()):
        wanted.append(part("/var/data", 0, disk="data"))
    if draw(st.booleans()):
        percent = draw(st.integers(1, 60))
        wanted.append(part("/var/lib", disk="data", size_percent=percent))
    return draw(st.permutations(wanted))


@st.composite
def volume_layouts(draw) -> list[Partition]:
    """The same with some of the partitions as logical volumes, of up to two groups."""
    wanted = draw(layouts())
    return [
        replace(part, lvm=LogicalVolume(draw(st.sampled_from(["vg0", "vg1"])), f"lv{number}"))
        if not part.mountpoint.startswith("/boot") and draw(st.booleans())
        else part
        for number, part in enumerate(wanted)
    ]


MODES = st.sampled_from(list(BootMode))


@given(layouts(), MODES)
def test_a_complete_layout_has_what_its_boot_mode_needs(wanted, mode):
    assert list(layout_problems(wanted, DISKS, mode)) == []
    roles = Counter(p.role for p in complete_layout(wanted, mode))
    assert roles["root"] == roles["boot"] == 1
    assert roles["bios"] == (1 if mode.bios else 0)
    asked = any(p.role == "efi" for p in wanted)
    assert roles["efi"] == (1 if mode.efi or asked else 0)


@given(layouts(), MODES)
def test_nothing_that_was_asked_for_is_lost_and_its_order_stays(wanted, mode):
    layout = complete_layout(wanted, mode)
    sizes = {(p.disk, p.filesystem, p.size_mb, p.size_percent) for p in layout}
    assert {(p.disk, p.filesystem, p.size_mb, p.size_percent) for p in wanted} <= sizes
    for disk in DISKS:
        before = [p.size_mb for p in wanted if p.disk == disk and p.role == "data" and p.size_mb]
        after = [p.size_mb for p in layout if p.disk == disk and p.role == "data" and p.size_mb]
        assert after == before


@given(layouts(), MODES)
def test_at_most_one_partition_of_a_disk_takes_its_rest_and_it_is_the_last(wanted, mode):
    layout = complete_layout(wanted, mode)
    for disk in DISKS:
        rest = [p.takes_rest for p in layout if p.disk == disk]
        assert not any(rest[:-1])


@given(layouts(), MODES)
def test_completing_twice_changes_nothing(wanted, mode):
    layout = complete_layout(wanted, mode)
    assert complete_layout(layout, mode) == layout


@given(layouts(), MODES)
def test_on_a_disk_of_the_minimum_size_everything_fits(wanted, mode):
    layout = complete_layout(wanted, mode)
    for disk, size in minimum_sizes(layout).items():
        ours = [p for p in layout if p.disk == disk]
        used = sum(p.size_mb or size * p.size_percent // 100 for p in ours) + len(ours)
        rest = size - used
        assert rest >= 0
        if any(p.takes_rest for p in ours):
            assert rest >= (1024 if any(p.takes_rest and p.role == "root" for p in ours) else 32)


@given(volume_layouts(), MODES)
def test_completing_twice_changes_nothing_with_lvm_either(wanted, mode):
    assert list(layout_problems(wanted, DISKS, mode)) == []
    layout = complete_layout(wanted, mode)
    assert complete_layout(layout, mode) == layout


@given(volume_layouts(), MODES)
def test_logical_volumes_of_a_group_and_disk_follow_each_other(wanted, mode):
    layout = complete_layout(wanted, mode)
    found = [(p.disk, p.lvm and p.lvm.group) for p in layout]
    runs = [key for key, _ in itertools.groupby(found) if key[1]]
    assert len(runs) == len(set(runs))


@given(volume_layouts(), MODES, st.sampled_from([512, 4096]))
def test_on_a_disk_of_the_minimum_size_every_volume_gets_what_it_was_promised(
    wanted, mode, sector_size
):
    layout = complete_layout(wanted, mode)
    for disk, size in minimum_sizes(layout).items():
        ours = [p for p in layout if p.disk == disk]
        facts = DiskFacts(size * MIB, sector_size)
        spans = lay_out(facts, TableType.GPT, ours)
        placed = list(sizes(spans, sector_size))
        assert [(p.mountpoint, p.filesystem) for p, _ in placed] == [
            (p.mountpoint, p.filesystem) for p in ours
        ]
        for asked, (_, got) in zip(ours, placed, strict=True):
            assert got >= asked.size_mb * MIB
            assert got >= 32 * MIB or asked.size_mb or asked.size_percent
            if asked.lvm:
                assert got % (4 * MIB) == 0
        groups = {p.lvm.group for p in ours if p.lvm}
        assert sum(span.partition.role == "lvm" for span in spans) == len(groups)


def test_the_default_layout():
    layout = complete_layout(default_partitions())
    assert [(p.role, p.filesystem, p.mountpoint, p.size_mb) for p in layout] == [
        ("bios", "", "", 4),
        ("efi", "vfat", "/boot/efi", 128),
        ("boot", "ext4", "/boot", 512),
        ("root", "ext4", "/", 0),
    ]


def test_what_booting_needs_is_added_to_the_disk_with_boot():
    wanted = [part("/", disk="data"), part("/boot", 512)]
    layout = complete_layout(wanted)
    assert {p.role: p.disk for p in layout} == {
        "bios": "default",
        "efi": "default",
        "boot": "default",
        "root": "data",
    }


def test_msdos_tables_have_no_bios_boot_partition():
    layout = complete_layout([ROOT], BootMode.DUAL, TableType.MSDOS)
    assert [p.role for p in layout] == ["efi", "boot", "root"]


def test_links_of_a_tree_are_mounted_where_they_lead():
    wanted = [ROOT, part("/home", 100), part("/root", 100, "btrfs", subvolumes=(
        Subvolume("a", "/srv/a"),))]  # fmt: skip
    layout = complete_layout(wanted)
    assert {p.mountpoint for p in layout} >= {"/var/home", "/var/roothome"}
    assert layout[-2].subvolumes[0].mountpoint == "/var/srv/a"
    assert [w.message for w in layout_warnings(wanted)] == [
        "/home is a link in a tree, /var/home is mounted instead",
        "/root is a link in a tree, /var/roothome is mounted instead",
        "/srv/a is a link in a tree, /var/srv/a is mounted instead",
    ]


@pytest.mark.parametrize(
    ("wanted", "index", "key", "words"),
    [
        ([part("/var", 100)], None, "", "no partition for /"),
        ([ROOT, part("/var", 0)], 1, "size", "two partitions for its rest"),
        ([ROOT, part("/var", 100), part("/var", 100)], 2, "mountpoint", "twice"),
        ([ROOT, part("/home", 100), part("/var/home", 100)], 2, "mountpoint", "twice"),
        ([part("/", 0, "vfat")], 0, "filesystem", "/ must be"),
        ([ROOT, part("/boot", 512, "vfat")], 1, "filesystem", "/boot must be"),
        ([ROOT, part("/boot/efi", 64)], 1, "filesystem", "must be vfat"),
        ([ROOT, part("/boot/efi", 4, "vfat")], 1, "size", "at least 8 MB"),
        ([ROOT, part("/boot", 32)], 1, "size", "at least 64 MB"),
        ([part("/", 200)], 0, "size", "at least 1024 MB"),
        ([ROOT, part("/x", 64, "swap")], 1, "mountpoint", "cannot be mounted"),
        ([ROOT, part("", 64)], 1, "", "without a mountpoint"),
        ([ROOT, part("/usr", 64)], 1, "mountpoint", "belongs to the tree"),
        ([ROOT, part("/etc/x", 64)], 1, "mountpoint", "belongs to the tree"),
        ([ROOT, part("/data", 64)], 1, "mountpoint", "cannot be made"),
        ([ROOT, part("/run/x", 64)], 1, "mountpoint", "emptied"),
        ([ROOT, part("/boot/x", 64)], 1, "mountpoint", "cannot be made"),
        ([ROOT, part("var", 64)], 1, "mountpoint", "absolute path, not var"),
        ([ROOT, part("/var/../usr", 64)], 1, "mountpoint", "without . and .."),
        ([ROOT, part("/var", 64, disk="other")], 1, "disk_id", 'no disk "other"'),
        ([ROOT, part("/var", 64, label="x" * 17)], 1, "label", "at most 16 bytes"),
        ([ROOT, part("/var", 64, partlabel="x" * 37)], 1, "partlabel", "36 characters"),
        ([ROOT, part("/var", 64, subvolumes=(Subvolume("a"),))], 1, "btrfs", "only btrfs"),
        ([ROOT, part("/var", disk="data", size_percent=60),
          part("/srv", disk="data", size_percent=41)], 2, "sizepercent", "more than 100"),
        ([part("/", size_percent=100)], None, "", "no room beside 100 percent"),
        ([ROOT, part("/boot", 512, lvm=VOLUME)], 1, "lvm", "GRUB writes to it without LVM"),
        ([ROOT, part("/boot/efi", 64, "vfat", lvm=VOLUME)], 1, "lvm", "does not read LVM"),
        ([ROOT, part("/var", 64, lvm=VOLUME), part("/srv", 64, lvm=VOLUME)], 2, "lvm",
         "vg0/a is there twice"),
        ([part("/", 2048, lvm=VOLUME), part("/var", 64, disk="data", lvm=VOLUME)], 1, "lvm",
         "vg0/a is there twice"),
        ([ROOT, part("/var", 64, partlabel="x", lvm=VOLUME)], 1, "partlabel", "no partition"),
        ([ROOT, part("/var", 0, lvm=VOLUME)], 1, "size", "two partitions for its rest"),
    ],
)  # fmt: skip
def test_problems_name_the_partition_and_the_key(wanted, index, key, words):
    [problem] = layout_problems(wanted, DISKS)
    assert (problem.index, problem.key) == (index, key)
    assert words in problem.message


def test_msdos_tables_have_four_partitions_and_no_names():
    wanted = [ROOT, part("/var", 100, partlabel="x"), part("", 100, "swap"), part("/srv", 3 << 20)]
    found = [p.message for p in layout_problems(wanted, DISKS, BootMode.BIOS, TableType.MSDOS)]
    assert found == [
        "msdos partitions have no names",
        "msdos partitions end at 2 TiB",
        'disk "default" gets 5 partitions, msdos has 4 at most',
    ]


def test_logical_volumes_do_not_count_as_partitions_of_an_msdos_table():
    volumes = [part(f"/var/{n}", 64, lvm=LogicalVolume("vg0", f"v{n}")) for n in range(9)]
    assert not list(layout_problems([ROOT, *volumes], DISKS, BootMode.BIOS, TableType.MSDOS))


def test_a_whole_disk_may_be_one_percent_partition_when_nothing_else_is_on_it():
    assert not list(layout_problems([ROOT, part("/srv", disk="data", size_percent=100)], DISKS))


def test_a_small_boot_partition_is_a_warning():
    [warning] = layout_warnings([ROOT, part("/boot", 128)])
    assert "two kernels" in warning.message
