"""Boot counting, by GRUB itself and by grub-editenv."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.command import SystemCommands
from engine.errors import PhotreeError, StorageError
from engine.health.boot_counter import BootCounter, Trial
from tests.engine.health.grub import UNITS, GrubDisk, generate_menu

pytestmark = pytest.mark.root

NEW, OLD = "photon-new.0", "photon-old.0"


@pytest.fixture
def disk(tmp_path: Path) -> GrubDisk:
    return GrubDisk(tmp_path, generate_menu(tmp_path, "new", "old"))


def counter(boot: Path) -> BootCounter:
    return BootCounter(boot, SystemCommands())


def arm(disk: GrubDisk, tries: int) -> None:
    with disk.mounted() as boot:
        counter(boot).arm(NEW, tries)


def read(disk: GrubDisk) -> Trial:
    with disk.mounted() as boot:
        return counter(boot).read()


def test_without_a_trial_the_first_entry_starts(disk: GrubDisk) -> None:
    assert [disk.start(), disk.start()] == ["new", "new"]
    assert read(disk) == Trial()


@pytest.mark.parametrize("tries", [1, 2, 5])
def test_after_its_tries_the_menu_goes_back_and_stays_there(disk: GrubDisk, tries: int) -> None:
    arm(disk, tries)
    for number in range(tries):
        assert disk.start() == "new"
        assert read(disk) == Trial(NEW, tries - 1 - number)
    for _time in range(2):
        assert disk.start() == "old"
        assert read(disk) == Trial(NEW, None, fell_back=True)


def test_where_two_folders_have_the_menu_the_one_that_grub_uses_counts(disk: GrubDisk) -> None:
    with disk.mounted() as boot:
        (boot / "grub2").mkdir()
        (boot / "grub2/grub.cfg").write_bytes((boot / "grub/grub.cfg").read_bytes())
    arm(disk, 1)
    assert disk.start() == "new"
    assert read(disk) == Trial(NEW, 0)
    assert disk.start() == "old"
    assert read(disk) == Trial(NEW, None, fell_back=True)
    with disk.mounted() as boot:
        counter(boot).clear()
    assert read(disk) == Trial()
    assert disk.start() == "new"


def test_a_good_boot_ends_the_count(disk: GrubDisk) -> None:
    arm(disk, 2)
    assert disk.start() == "new"
    with disk.mounted() as boot:
        counter(boot).clear()
    assert [disk.start(), disk.start(), disk.start()] == ["new", "new", "new"]


def test_grub_counts_on_xfs_too(tmp_path: Path) -> None:
    disk = GrubDisk(tmp_path, generate_menu(tmp_path, "new", "old"), "xfs")
    arm(disk, 1)
    assert [disk.start(), disk.start()] == ["new", "old"]
    assert read(disk).fell_back


def test_an_entry_that_somebody_saved_is_started_and_not_counted(disk: GrubDisk) -> None:
    arm(disk, 1)
    with disk.mounted() as boot:
        block = boot / "grub/grubenv"
        subprocess.run(["grub-editenv", block, "set", "saved_entry=ostree-1"], check=True)
    assert [disk.start(), disk.start()] == ["old", "old"]
    assert read(disk) == Trial(NEW, 1)


def test_other_variables_are_kept(disk: GrubDisk) -> None:
    with disk.mounted() as boot:
        block = boot / "grub/grubenv"
        subprocess.run(["grub-editenv", block, "create"], check=True)
        subprocess.run(["grub-editenv", block, "set", "mine=1"], check=True)
        counter(boot).arm(NEW, 2)
        counter(boot).clear()
        listed = subprocess.run(["grub-editenv", block, "list"], check=True, capture_output=True)
        assert listed.stdout == b"mine=1\n"
        assert block.stat().st_size == 1024
        assert {path.name for path in block.parent.iterdir()} == {"grub.cfg", "menu.cfg", "grubenv"}


def test_the_menu_and_the_script_for_grub_d_are_grubs_language(tmp_path: Path) -> None:
    (tmp_path / "menu.cfg").write_text(generate_menu(tmp_path, "new", "old"))
    for path in (tmp_path / "menu.cfg", UNITS / "boot-counter.cfg"):
        subprocess.run(["grub-script-check", path], check=True)
    script = (UNITS / "08_photree").read_text().replace("/usr/share/photree", str(UNITS))
    printed = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True)
    assert printed.stdout == (UNITS / "boot-counter.cfg").read_text()


def test_a_menu_without_the_counter_is_an_obstacle(tmp_path: Path) -> None:
    boot = tmp_path / "boot"
    assert "there is no GRUB" in counter(boot).obstacle()
    (boot / "grub2").mkdir(parents=True)
    (boot / "grub2/grub.cfg").write_text(generate_menu(tmp_path, "new", counting=False))
    assert counter(boot).obstacle() == "GRUB's menu was made without boot counting"


def test_a_file_system_that_grub_does_not_write_is_an_obstacle(
    tmp_path: Path, disk: GrubDisk
) -> None:
    with disk.mounted() as boot:
        (boot / "grub/grub.cfg").write_text(generate_menu(tmp_path, "new", "old"))
        assert counter(boot).obstacle() == ""
        mounts = tmp_path / "mountinfo"
        where = "36 25 0:31 / {} rw,relatime shared:1 - {} /dev/sda2 rw\n"
        mounts.write_text(where.format("/", "ext4") + where.format(boot, "btrfs"))
        pretended = BootCounter(boot, SystemCommands(), mounts=mounts)
        assert "GRUB cannot write to btrfs" in pretended.obstacle()
        mounts.write_text(where.format("/", "btrfs") + where.format(boot.parent, "ext4"))
        assert pretended.obstacle() == ""


def test_a_damaged_block_or_none_says_nothing(tmp_path: Path) -> None:
    boot = tmp_path / "boot"
    assert counter(boot).read() == Trial()
    (boot / "grub").mkdir(parents=True)
    (boot / "grub/grub.cfg").touch()
    assert counter(boot).read() == Trial()
    counter(boot).clear()
    assert not (boot / "grub/grubenv").exists()
    (boot / "grub/grubenv").write_bytes(b"")  # a power failure, on some file systems
    counter(boot).arm(NEW, 2)
    assert counter(boot).read() == Trial(NEW, 2)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no GRUB"):
        counter(tmp_path).arm(NEW, 2)
    (tmp_path / "grub").mkdir()
    (tmp_path / "grub/grub.cfg").touch()
    without = BootCounter(tmp_path, SystemCommands(), editors=("no-such-editenv",))
    with pytest.raises(PhotreeError, match="without grub-editenv"):
        without.arm(NEW, 2)


def test_a_boot_that_is_read_only_stays_so_for_the_machine(disk: GrubDisk) -> None:
    program = f"""
from pathlib import Path
from engine.command import SystemCommands
from engine.health.boot_counter import BootCounter
BootCounter(Path({str(disk.boot)!r}), SystemCommands()).arm({NEW!r}, 2)
"""
    with disk.mounted() as boot:
        subprocess.run(["mount", "-o", "remount,ro", boot], check=True)
        subprocess.run([sys.executable, "-c", program], check=True)
        with pytest.raises(OSError, match="Read-only"):
            (boot / "anything").touch()
    assert read(disk) == Trial(NEW, 2)
