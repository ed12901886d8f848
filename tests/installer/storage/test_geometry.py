"""Where partitions lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StorageError
from installer.plan import LogicalVolume, Partition, TableType
from installer.storage.geometry import MIB, DiskFacts, DoesNotFit, lay_out, node, sizes

facts = st.builds(
    DiskFacts,
    size=st.integers(64 * MIB, 4 * 1024**4).map(lambda size: size // 4096 * 4096),
    sector_size=st.sampled_from([512, 4096]),
    optimal_io=st.sampled_from([0, 4096, 65536, MIB, 3 * 65536, 4 * MIB, 33553920]),
)
sized = st.builds(Partition, st.just("d"), st.just("data"), size_mb=st.integers(1, 500_000))
percent = st.builds(Partition, st.just("d"), st.just("data"), size_percent=st.integers(1, 30))
rest = st.just(Partition("d", "root", "ext4"))
layouts = st.tuples(st.lists(sized | percent, max_size=3), st.lists(rest, max_size=1)).map(
    lambda lists: lists[0] + lists[1]
)


def spans_of(disk, table, partitions):
    try:
        return lay_out(disk, table, partitions)
    except DoesNotFit as error:
        assert error.needed > disk.size - 2 * disk.grain * disk.sector_size
        assert error.available == disk.size
        return ()


@given(facts, st.sampled_from(TableType), layouts)
def test_every_partition_starts_and_ends_on_the_grain(disk, table, partitions):
    for span in spans_of(disk, table, partitions):
        assert span.start % disk.grain == 0
        assert span.length % disk.grain == 0
        assert span.start * disk.sector_size % MIB == 0


@given(facts, st.sampled_from(TableType), layouts)
def test_partitions_follow_each_other_inside_the_usable_room(disk, table, partitions):
    end = disk.grain
    for span in spans_of(disk, table, partitions):
        assert span.start == end
        assert span.length > 0
        end = span.end
    table_bytes = 33 * 512 if table is TableType.GPT else 0
    assert end * disk.sector_size <= disk.size - table_bytes or not partitions


@given(facts, layouts)
def test_a_partition_is_never_smaller_than_asked_for(disk, partitions):
    for span in spans_of(disk, TableType.GPT, partitions):
        assert span.length * disk.sector_size >= span.partition.size_mb * MIB


@given(facts)
def test_the_rest_leaves_less_than_two_grains_unused(disk):
    spans = spans_of(disk, TableType.GPT, [Partition("d", "root", "ext4")])
    for span in spans:
        unused = disk.size - span.end * disk.sector_size
        assert unused < 2 * disk.grain * disk.sector_size


@given(facts, st.sampled_from(TableType), layouts)
def test_numbers_count_from_one_in_the_order_of_the_plan(disk, table, partitions):
    spans = spans_of(disk, table, partitions)
    assert [span.number for span in spans] == list(range(1, len(spans) + 1))
    assert [span.partition for span in spans] == partitions[: len(spans)]


def test_an_optimal_io_size_beyond_one_mib_is_the_grain():
    assert DiskFacts(10**12, 512, 4 * MIB).grain * 512 == 4 * MIB
    assert DiskFacts(10**12, 512, 3 * 65536).grain * 512 == 3 * MIB


def test_an_absurd_optimal_io_size_is_ignored():
    assert DiskFacts(10**12, 512, 33553920).grain * 512 == MIB


def test_needed_counts_the_tables_and_the_smallest_file_system():
    disk = DiskFacts(200 * MIB)
    with pytest.raises(DoesNotFit) as caught:
        lay_out(disk, TableType.GPT, [Partition("d", "root", "xfs")])
    assert caught.value.needed == 302 * MIB
    assert caught.value.message == "needs 302 MiB, has 200 MiB"


def test_percentages_are_of_the_room_between_the_tables():
    parts = [Partition("d", "data", size_percent=50), Partition("d", "root", "ext4")]
    half, rest = lay_out(DiskFacts(1002 * MIB), TableType.GPT, parts)
    assert half.length * 512 == 500 * MIB
    assert rest.length * 512 == 500 * MIB


def volume(name, size_mb=0, **more):
    return Partition("d", "data", "ext4", size_mb=size_mb, lvm=LogicalVolume("vg0", name), **more)


def test_a_group_is_as_large_as_its_volumes_in_whole_extents():
    parts = [volume("a", 101), Partition("d", "swap", "swap", size_mb=50), volume("b", 7)]
    physical, swap = lay_out(DiskFacts(1000 * MIB), TableType.GPT, parts)
    assert (physical.length * 512 // MIB, swap.length * 512 // MIB) == (1 + 104 + 8, 50)
    assert [size // MIB for _, size in sizes([physical, swap], 512)] == [104, 8, 50]


def test_the_rest_of_a_group_is_the_rest_of_the_disk():
    spans = lay_out(DiskFacts(1002 * MIB), TableType.GPT, [volume("a", 100), volume("b")])
    assert [size // MIB for _, size in sizes(spans, 512)] == [100, 896]  # of 1000 - 1 - 100


def test_percentages_of_volumes_are_of_the_disk_and_hold_what_lvm_needs():
    parts = [volume("a", size_percent=50), volume("b", size_percent=50)]
    spans = lay_out(DiskFacts(1002 * MIB), TableType.GPT, parts)
    assert [size // MIB for _, size in sizes(spans, 512)] == [496, 496]
    assert spans[0].length * 512 // MIB == 993


def test_a_disk_too_small_for_its_volumes_needs_what_they_need():
    with pytest.raises(DoesNotFit) as caught:
        lay_out(DiskFacts(200 * MIB), TableType.GPT, [volume("a", 300), volume("b")])
    assert caught.value.needed == (2 + 1 + 300 + 8) * MIB


def test_two_rests_are_refused():
    parts = [Partition("d", "data", "ext4"), Partition("d", "root", "ext4")]
    with pytest.raises(StorageError, match="More than one partition takes the rest"):
        lay_out(DiskFacts(10**9), TableType.GPT, parts)


def test_a_fifth_msdos_partition_is_refused():
    parts = [Partition("d", "data", size_mb=1)] * 5
    with pytest.raises(StorageError, match="holds 4 partitions, not 5"):
        lay_out(DiskFacts(10**9), TableType.MSDOS, parts)


def test_msdos_partitions_end_at_two_tib_of_small_sectors():
    (span,) = lay_out(DiskFacts(3 * 1024**4), TableType.MSDOS, [Partition("d", "root", "ext4")])
    assert span.end == 2**32


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("/dev/sda", "/dev/sda3"),
        ("/dev/vdb", "/dev/vdb3"),
        ("/dev/nvme0n1", "/dev/nvme0n1p3"),
        ("/dev/mmcblk0", "/dev/mmcblk0p3"),
        ("/dev/loop7", "/dev/loop7p3"),
    ],
)
def test_nodes_are_named_as_the_kernel_names_them(device, name):
    assert node(device, 3) == name
