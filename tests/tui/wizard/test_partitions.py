"""The page on which disks are divided, and the form of one partition."""

from textual.widgets import Static

from engine.errors import CommandError
from installer.draft import Draft
from installer.interview import Session
from installer.probe import Machine
from tests.tui.wizard.inquiries import RecordedInquiries, recorded_machine
from tests.tui.wizard.pilot import drive, screen_text, shown, until
from tui.wizard.partitions import PartitionsPage

ROOT = {"mountpoint": "/", "size": 0, "filesystem": "ext4"}
SWAP = {"filesystem": "swap", "size": 1024}
TWO = {"default": {"device": "/dev/vda"}, "disk2": {"device": "/dev/vdb"}}


def session(*partitions, arch="x86_64", known=True, **keys):
    values = {"partitions": list(partitions)} if partitions else {}
    disk = {} if "disks" in keys else {"disk": "/dev/vda"}
    source = {"repo_url": "https://example.com/r", "repo_ref": "photon/5.0/x86_64/minimal"}
    draft = Draft({"ostree": {**source, "gpg_verify": False}, **disk, **values, **keys})
    machine = recorded_machine("vm")
    return Session(
        RecordedInquiries(machine), arch, draft=draft, machine=machine if known else None
    )


async def seen(pilot, text):
    await until(pilot, lambda: text in " ".join(screen_text(pilot).split()), repr(text))


def error_of(pilot, field):
    return str(pilot.app.screen.query_one(f"#{field} .error", Static).content)


async def said(pilot, field, text):
    await until(pilot, lambda: text in error_of(pilot, field), f"{text!r} beside {field}")


async def gone(pilot, text):
    await until(pilot, lambda: text not in " ".join(screen_text(pilot).split()), f"no {text!r}")


async def left(pilot, key="f10"):
    await pilot.press(key)
    await until(pilot, lambda: pilot.app.move is not None, "the page's end")
    return pilot.app.move


async def on_row(pilot, number):
    """With the cursor on a row of the table, counted from 1."""
    pilot.app.page.query_one("LayoutList").focus()
    pilot.app.page.query_one("LayoutList").highlighted = number


async def write(pilot, *texts):
    """Into the field that has the focus and those after it."""
    for index, text in enumerate(texts):
        if index:
            await pilot.press("tab")
        await pilot.press(*text)


def test_the_automatic_layout_is_shown_in_full_and_is_the_answer():
    async def story():
        async with shown(PartitionsPage, session()) as pilot:
            await seen(pilot, "1 (BIOS boot) 4 MiB")
            await seen(pilot, "2 /boot/efi 128 MiB")
            await seen(pilot, "3 /boot 512 MiB")
            await seen(pilot, "4 / 39.4 GiB rest ext4")
            await seen(pilot, "/dev/vda, 40.0 GiB |1|2|3|4 / ====")
            assert screen_text(pilot).isascii()
            assert len(screen_text(pilot).splitlines()) == 24
            assert "partitions" not in (await left(pilot)).draft.keys

    drive(story)


def test_nothing_of_the_automatic_layout_can_be_changed_by_accident():
    async def story():
        async with shown(PartitionsPage, session()) as pilot:
            await seen(pilot, "4 / 39.4 GiB")
            await on_row(pilot, 4)
            await pilot.press("d", "a", "enter")
            assert "Delete" not in screen_text(pilot)
            assert "partitions" not in (await left(pilot)).draft.keys

    drive(story)


def test_the_file_system_of_the_root_is_a_choice():
    async def story():
        async with shown(PartitionsPage, session()) as pilot:
            await seen(pilot, "4 / 39.4 GiB rest ext4")
            await pilot.press("tab", "down", "space")
            await seen(pilot, "4 / 39.4 GiB rest xfs")
            draft = (await left(pilot)).draft
            assert draft.get("partitions") == [{**ROOT, "filesystem": "xfs"}]

    drive(story)


def test_table_and_firmware_change_what_will_be_written():
    async def story():
        async with shown(PartitionsPage, session()) as pilot:
            await seen(pilot, "(BIOS boot)")
            await pilot.press("tab", "tab", "down", "space")
            await gone(pilot, "(BIOS boot)")
            await pilot.press("tab", "down", "down", "space")
            await gone(pilot, "/boot/efi")
            draft = (await left(pilot)).draft
            assert (draft.get("partition_type"), draft.get("bootmode")) == ("msdos", "bios")

    drive(story)


def test_a_machine_that_only_boots_by_uefi_is_not_asked():
    async def story():
        async with shown(PartitionsPage, session(arch="aarch64")) as pilot:
            await seen(pilot, "1 /boot/efi")
            assert "Boots under" not in screen_text(pilot)
            assert "bootmode" not in pilot.app.page.answer().keys

    drive(story)


def test_a_partition_is_added():
    async def story():
        async with shown(PartitionsPage, session()) as pilot:
            await seen(pilot, "4 / 39.4 GiB")
            await pilot.press("down", "space")
            await seen(pilot, "3 /boot 512 MiB 512 MB ext4 - (added)")
            await on_row(pilot, 4)
            await pilot.press("a")
            await seen(pilot, "New partition")
            await write(pilot, "/var/log", "2 GB", "logs", "nodev")
            await seen(pilot, "|1|2|3|4 ==|5 / ====")
            await pilot.press("f10")
            await seen(pilot, "4 /var/log 2048 MiB 2 GB ext4 logs")
            assert (await left(pilot)).draft.get("partitions") == [
                ROOT,
                {
                    "filesystem": "ext4",
                    "mountpoint": "/var/log",
                    "size": 2048,
                    "label": "logs",
                    "fs_options": "nodev",
                },
            ]

    drive(story)


def test_a_partition_is_changed_and_deleted():
    async def story():
        async with shown(PartitionsPage, session(ROOT, SWAP)) as pilot:
            await seen(pilot, "4 (swap) 1024 MiB")
            await on_row(pilot, 4)
            await pilot.press("enter")
            await seen(pilot, "(x) swap")
            assert "Mount point" not in screen_text(pilot)
            pilot.app.screen.query_one("#size").focus_input()
            await pilot.press(*["backspace"] * 4, *"10%")
            await pilot.press("f10")
            await seen(pilot, "4 (swap) 4095 MiB 10% swap")
            await pilot.press("d")
            await gone(pilot, "(swap)")
            assert (await left(pilot)).draft.get("partitions") == [ROOT]

    drive(story)


def test_a_form_that_is_given_up_changes_nothing():
    async def story():
        async with shown(PartitionsPage, session(ROOT, SWAP)) as pilot:
            await seen(pilot, "5 / 38.4 GiB")
            await on_row(pilot, 5)
            await pilot.press("enter")
            await seen(pilot, "Mount point")
            await pilot.press("x", "escape")
            await gone(pilot, "Mount point")
            assert (await left(pilot)).draft.get("partitions") == [ROOT, SWAP]

    drive(story)


def test_an_added_partition_becomes_an_own_one_when_it_is_changed():
    async def story():
        async with shown(PartitionsPage, session(ROOT, SWAP)) as pilot:
            await seen(pilot, "3 /boot 512 MiB 512 MB ext4 - (added)")
            await on_row(pilot, 3)
            await pilot.press("enter")
            await seen(pilot, "Mount point")
            pilot.app.screen.query_one("#size").focus_input()
            await pilot.press(*["backspace"] * 6, *"1 GB")
            await pilot.press("f10")
            await seen(pilot, "3 /boot 1024 MiB 1 GB ext4")
            assert (await left(pilot)).draft.get("partitions")[2] == {
                "mountpoint": "/boot",
                "size": 1024,
                "filesystem": "ext4",
            }

    drive(story)


def test_what_booting_needs_can_neither_be_deleted_nor_all_of_it_changed():
    async def story():
        async with shown(PartitionsPage, session(ROOT, SWAP)) as pilot:
            await seen(pilot, "1 (BIOS boot)")
            await on_row(pilot, 1)
            await pilot.press("d")
            await seen(pilot, "It is needed for booting and added by itself")
            await pilot.press("enter")
            await seen(pilot, "The firmware asks for this one as it is")

    drive(story)


def test_mistakes_are_said_beside_the_field_while_it_is_filled_in():
    async def story():
        async with shown(PartitionsPage, session(ROOT, SWAP)) as pilot:
            await seen(pilot, "5 / 38.4 GiB")
            await on_row(pilot, 5)
            await pilot.press("a")
            await seen(pilot, "New partition")
            await write(pilot, "/usr", "lots")
            await said(pilot, "mountpoint", "/usr belongs to the tree")
            await said(pilot, "size", "must be a size such as 512 MB")
            await pilot.press("f10")
            await seen(pilot, "New partition")
            await pilot.press(*["backspace"] * 4, *"rest")
            await said(pilot, "size", "has two partitions for its rest")
            await pilot.press(*["backspace"] * 4, *"3 GB")
            await until(pilot, lambda: not error_of(pilot, "size"), "a good size")
            await pilot.press("f10")
            await seen(pilot, "wrong: /usr belongs to the tree, nothing can be mounted there")
            await pilot.press("f10")
            await pilot.pause()
            assert pilot.app.move is None

    drive(story)


def test_btrfs_has_subvolumes():
    async def story():
        async with shown(PartitionsPage, session(ROOT, SWAP)) as pilot:
            await seen(pilot, "5 / 38.4 GiB")
            await on_row(pilot, 5)
            await pilot.press("a")
            await seen(pilot, "New partition")
            assert "Subvolumes" not in screen_text(pilot)
            await write(pilot, "/var/lib", "4 GB")
            pilot.app.screen.query_one("#filesystem").focus_input()
            await pilot.press("down", "down", "down", "space")
            await seen(pilot, "Subvolumes")
            pilot.app.screen.query_one("#subvolumes").focus_input()
            await pilot.press(*"=/x")
            await seen(pilot, "must have a name for each subvolume")
            await pilot.press(*["backspace"] * 3, *"log=/var/log, spare")
            await gone(pilot, "must have a name")
            await pilot.press("f10")
            await seen(pilot, "/var/lib, /var/log")
            assert pilot.app.page.answer().get("partitions", 2, "btrfs") == {
                "subvols": [{"name": "log", "mountpoint": "/var/log"}, {"name": "spare"}]
            }

    drive(story)


def test_the_disk_of_a_partition_is_a_choice_when_there_are_several():
    async def story():
        async with shown(PartitionsPage, session(ROOT, SWAP, disks=TWO)) as pilot:
            await seen(pilot, 'note: disk "disk2" has no partitions, it is left alone')
            await seen(pilot, "/dev/vdb, 20.0 GiB |.")
            await on_row(pilot, 5)
            await pilot.press("a")
            await seen(pilot, "( ) disk2")
            await write(pilot, "/var/lib", "100%")
            pilot.app.screen.query_one("#disk_id").focus_input()
            await pilot.press("down", "space")
            await pilot.press("f10")
            await seen(pilot, "disk2: /dev/vdb, 20.0 GiB")
            await seen(pilot, "1 /var/lib 20.0 GiB 100% ext4")
            assert pilot.app.page.answer().get("partitions", 2, "disk_id") == "disk2"

    drive(story)


def test_names_of_lvm_are_taken():
    async def story():
        async with shown(PartitionsPage, session(ROOT, SWAP)) as pilot:
            await seen(pilot, "5 / 38.4 GiB")
            await on_row(pilot, 5)
            await pilot.press("a")
            await seen(pilot, "LVM volume group")
            await write(pilot, "/var/lib", "4 GB")
            pilot.app.screen.query_one("#vg_name").focus_input()
            await write(pilot, "sda")
            await said(pilot, "vg_name", "must not be the name of a device")
            await said(pilot, "lv_name", 'the key "lv_name" is missing')
            await write(pilot, "_x", "lib")
            await until(pilot, lambda: not error_of(pilot, "lv_name"), "two good names")
            await pilot.press("f10")
            await gone(pilot, "LVM volume group")
            await seen(pilot, "5 /var/lib 4096 MiB 4 GB ext4 sda_x/lib")
            lvm = {"vg_name": "sda_x", "lv_name": "lib"}
            assert pilot.app.page.answer().get("partitions", 2, "lvm") == lvm

    drive(story)


def test_without_partitions_the_page_says_what_is_missing():
    async def story():
        async with shown(PartitionsPage, session(SWAP)) as pilot:
            await seen(pilot, "there is no partition for /")
            await on_row(pilot, 1)
            await pilot.press("d")
            await seen(pilot, "There are no partitions yet; press A to add one.")
            await pilot.press("f10")
            await pilot.pause()
            assert pilot.app.move is None
            await pilot.press("a")
            await seen(pilot, "New partition")

    drive(story)


def test_own_partitions_come_back_after_a_look_at_the_automatic_ones():
    async def story():
        world = session(ROOT, SWAP)
        async with shown(PartitionsPage, world) as pilot:
            await seen(pilot, "(swap)")
            await pilot.press("up", "space")
            await gone(pilot, "(swap)")
            world.draft = (await left(pilot, "escape")).draft
        async with shown(PartitionsPage, world) as pilot:
            await seen(pilot, "(x) Automatic")
            await pilot.press("down", "space")
            await seen(pilot, "(swap)")

    drive(story)


def test_partitions_too_large_for_the_disk_keep_one_on_the_page():
    async def story():
        async with shown(PartitionsPage, session({"mountpoint": "/", "size": 90000})) as pilot:
            await seen(pilot, "/dev/vda: is too small")
            await pilot.press("f10")
            await pilot.pause()
            await seen(pilot, "/dev/vda: is too small")
            assert pilot.app.move is None

    drive(story)


def test_a_key_that_no_machine_can_have_is_said_although_no_row_shows_it():
    async def story():
        async with shown(PartitionsPage, session({**ROOT, "ab": True})) as pilot:
            await seen(pilot, "rest ext4")
            await pilot.press("f10")
            await seen(pilot, "OSTree already keeps two systems")
            assert pilot.app.move is None

    drive(story)


def test_a_machine_that_was_not_looked_at_is_looked_at():
    async def story():
        world = session(known=False)
        async with shown(PartitionsPage, world) as pilot:
            await seen(pilot, "4 / 39.4 GiB")
            assert isinstance(world.machine, Machine)

    drive(story)


def test_a_machine_that_cannot_be_looked_at_has_partitions_without_sizes():
    async def story():
        world = session(known=False)
        world.inquiries.now = CommandError("lsblk failed.", "Is util-linux installed?")
        async with shown(PartitionsPage, world) as pilot:
            await seen(pilot, "lsblk failed. Is util-linux installed?")
            await seen(pilot, "not known yet")
            await seen(pilot, "4 / - rest ext4")

    drive(story)


def test_every_field_is_explained():
    async def story():
        async with shown(PartitionsPage, session(ROOT, SWAP)) as pilot:
            await seen(pilot, "(swap)")
            await on_row(pilot, 5)
            for _ in range(2):
                await pilot.press("f1")
                await seen(pilot, "Esc closes")
                await pilot.press("escape")
            await pilot.press("a", "f1")
            await seen(pilot, "Where the file system appears")
            await pilot.press("escape", "tab", "f1")
            await seen(pilot, "(counted by 1024; MB if nothing is")

    drive(story)
