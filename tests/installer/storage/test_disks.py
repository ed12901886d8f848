"""Images on loop devices, and partition tables, for real."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import Cancelled, StorageError
from installer.plan import LogicalVolume, Partition, TableType
from installer.storage import loop
from installer.storage.disks import SystemDisks, unfinished
from installer.storage.geometry import MIB, DiskFacts, Span, lay_out, node

pytestmark = pytest.mark.root

SIZE = 900 * MIB
PARTITIONS = (
    Partition("d", "bios", size_mb=1),
    Partition("d", "efi", "vfat", "/boot/efi", size_mb=64),
    Partition("d", "boot", "ext4", "/boot", size_mb=300, partlabel="kernels"),
    Partition("d", "root", "ext4", "/"),
)
TYPES = {
    "gpt": [
        "21686148-6449-6E6F-744E-656564454649",
        "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
        "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
        "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
    ],
    "msdos": ["83", "ef", "83", "83"],
}


@pytest.fixture
def disks():
    return SystemDisks(CancelToken())


@pytest.fixture
def image(tmp_path, disks):
    yield tmp_path / "disk.img"
    disks.detach(tmp_path / "disk.img")


def table_of(device):
    done = subprocess.run(["sfdisk", "--json", device], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["partitiontable"]


def partition(disks, device, table, sector_size):
    spans = lay_out(DiskFacts(SIZE, sector_size), table, PARTITIONS)
    disks.write_table(device, table, spans)
    SystemCommands().run(["partx", "--update", device])
    disks.await_nodes(device, spans, sector_size)
    return spans


@pytest.mark.parametrize("sector_size", [512, 4096])
@pytest.mark.parametrize("table", list(TableType))
def test_what_is_written_is_what_sfdisk_and_the_kernel_see(disks, image, table, sector_size):
    device = disks.attach(image, SIZE, sector_size)
    spans = partition(disks, device, table, sector_size)
    found = table_of(device)
    assert found["label"] == {"gpt": "gpt", "msdos": "dos"}[table]
    assert [(p["start"], p["size"]) for p in found["partitions"]] == [
        (span.start, span.length) for span in spans
    ]
    assert [p["type"] for p in found["partitions"]] == TYPES[table]
    names = [p.get("name") for p in found["partitions"]]
    assert names == (["bios", "efi", "kernels", "root"] if table is TableType.GPT else [None] * 4)
    assert all(Path(node(device, n)).is_block_device() for n in (1, 2, 3, 4))


def test_the_boot_partition_of_an_msdos_disk_is_active(disks, image):
    device = disks.attach(image, SIZE, 512)
    partition(disks, device, TableType.MSDOS, 512)
    active = [p.get("bootable", False) for p in table_of(device)["partitions"]]
    assert active == [False, False, True, False]


@pytest.mark.parametrize(
    ("table", "kind"),
    [(TableType.GPT, "E6D6D379-F507-44C2-A23C-238F2A3DF928"), (TableType.MSDOS, "8e")],
)
def test_the_partition_of_logical_volumes_has_their_type(disks, image, table, kind):
    device = disks.attach(image, SIZE, 512)
    volume = Partition("d", "root", "ext4", "/", lvm=LogicalVolume("vg0", "root"))
    disks.write_table(device, table, lay_out(DiskFacts(SIZE), table, [PARTITIONS[2], volume]))
    assert [part["type"] for part in table_of(device)["partitions"]] == [
        TYPES[table.value][3],
        kind,
    ]


def test_a_disk_can_be_partitioned_again_in_another_way(disks, image):
    device = disks.attach(image, SIZE, 512)
    partition(disks, device, TableType.GPT, 512)
    SystemCommands().run(["wipefs", "--all", *(node(device, n) for n in (1, 2, 3, 4)), device])
    spans = lay_out(DiskFacts(SIZE), TableType.MSDOS, PARTITIONS[2:])
    disks.write_table(device, TableType.MSDOS, spans)
    SystemCommands().run(["partx", "--update", device])
    disks.await_nodes(device, spans, 512)
    assert not Path(node(device, 3)).exists()
    assert len(table_of(device)["partitions"]) == 2


def test_the_image_is_sparse_and_of_the_size_asked_for(disks, image):
    disks.attach(image, SIZE, 512)
    status = unfinished(image).stat()
    assert status.st_size == SIZE
    assert status.st_blocks == 0


def test_an_unfinished_image_is_removed_and_the_former_one_stays(disks, image):
    image.write_text("the former image")
    device = disks.attach(image, SIZE, 512)
    disks.detach(image)
    disks.detach(image)
    assert image.read_text() == "the former image"
    assert not unfinished(image).exists()
    assert loop.backing_file(device) is None


def test_a_published_image_replaces_the_former_one_and_stays(disks, image):
    image.write_text("the former image")
    disks.attach(image, SIZE, 512)
    disks.publish(image)
    disks.detach(image)
    assert image.stat().st_size == SIZE
    assert sorted(path.name for path in image.parent.iterdir()) == ["disk.img"]


def test_an_image_that_is_being_written_is_not_taken(disks, image):
    disks.attach(image, SIZE, 512)
    with pytest.raises(StorageError, match="is being written already: it is attached to /dev/loop"):
        SystemDisks(CancelToken()).attach(image, SIZE, 512)
    assert unfinished(image).stat().st_size == SIZE


def test_a_killed_process_leaves_no_loop_device(image):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from engine.cancel import CancelToken; from installer.storage.disks import SystemDisks\n"
        f"device = SystemDisks(CancelToken()).attach(Path({str(image)!r}), {SIZE}, 512)\n"
        "print(device, flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    device = process.stdout.readline().strip()
    assert loop.backing_file(device) == unfinished(image)
    process.kill()
    process.communicate()
    end = time.monotonic() + 10
    while loop.backing_file(device) is not None and time.monotonic() < end:
        time.sleep(0.02)
    assert loop.backing_file(device) is None


def test_nodes_that_do_not_come_are_an_error(disks, image, monkeypatch):
    monkeypatch.setattr("installer.storage.disks._NODES_SECONDS", 0.1)
    device = disks.attach(image, SIZE, 512)
    with pytest.raises(StorageError, match=f"does not show {device}p1"):
        disks.await_nodes(device, [Span(1, 2048, 2048, PARTITIONS[0])], 512)


def test_waiting_for_nodes_can_be_cancelled(image):
    token = CancelToken()
    disks = SystemDisks(token)
    device = disks.attach(image, SIZE, 512)
    token.cancel()
    with pytest.raises(Cancelled):
        disks.await_nodes(device, [Span(1, 2048, 2048, PARTITIONS[0])], 512)
    disks.detach(image)


def test_a_device_that_is_no_disk_cannot_be_partitioned(disks, tmp_path):
    spans = lay_out(DiskFacts(SIZE), TableType.GPT, PARTITIONS)
    with pytest.raises(StorageError, match="Could not partition"):
        disks.write_table(str(tmp_path / "missing"), TableType.GPT, spans)
