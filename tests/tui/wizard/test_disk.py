"""The page on which disks are chosen."""

import threading
from dataclasses import replace
from pathlib import Path

from engine.errors import CommandError
from installer.draft import Draft, Section
from installer.interview import Session
from installer.probe import Machine
from tests.tui.wizard.inquiries import RecordedInquiries, recorded_machine
from tests.tui.wizard.pilot import drive, screen_text, shown, until
from tui.wizard.disk import DiskPage

VM = recorded_machine("vm")


def session(machine=VM, **keys):
    draft = Draft({"ostree": {"default_repo": True}, **keys})
    return Session(RecordedInquiries(machine), "x86_64", Path("/run/media/photon"), draft=draft)


def without(path, machine=VM):
    return replace(machine, disks=tuple(each for each in machine.disks if each.path != path))


async def seen(pilot, text):
    await until(pilot, lambda: text in " ".join(screen_text(pilot).split()), repr(text))


async def left(pilot, key="f10"):
    await pilot.press(key)
    await until(pilot, lambda: pilot.app.move is not None, "the page's end")
    return pilot.app.move


def test_every_disk_is_shown_with_what_is_on_it_or_why_it_cannot_be_used():
    async def story():
        async with shown(DiskPage, session()) as pilot:
            await seen(pilot, "( ) /dev/vda 40.0 GiB (virtio) empty")
            await seen(pilot, "( ) /dev/vdb 20.0 GiB Scratch (virtio) gpt table: vdb1 vfat EFI")
            await seen(pilot, "- /dev/vdc 512 MiB (virtio) cannot be used: it is too small")
            await seen(pilot, "cannot be used: it is the medium that the tree is installed from")
            assert all(line.isascii() for line in screen_text(pilot).splitlines())

    drive(story)


def test_a_disk_is_chosen_by_its_key():
    async def story():
        async with shown(DiskPage, session()) as pilot:
            await seen(pilot, "/dev/vdb")
            await pilot.press("down", "space")
            await seen(pilot, "(x) /dev/vdb")
            assert (await left(pilot)).draft.get("disk") == "/dev/vdb"

    drive(story)


def test_a_disk_that_cannot_be_used_cannot_be_chosen():
    async def story():
        async with shown(DiskPage, session()) as pilot:
            await seen(pilot, "/dev/vdc")
            await pilot.press("down", "down", "space", "f10")
            await seen(pilot, "choose a disk, with Space or Enter")
            assert pilot.app.move is None

    drive(story)


def test_several_disks_get_ids():
    async def story():
        async with shown(DiskPage, session(disk="/dev/vda")) as pilot:
            await seen(pilot, "(x) /dev/vda")
            await pilot.press("tab", "down", "space")
            await seen(pilot, "[x] /dev/vda")
            await seen(pilot, "[ ] /dev/vdc")
            await pilot.press("shift+tab", "down", "space")
            await seen(pilot, "[x] /dev/vdb")
            assert (await left(pilot)).draft.get("disks") == {
                "default": {"device": "/dev/vda"},
                "disk2": {"device": "/dev/vdb"},
            }

    drive(story)


def test_several_disks_become_one_again():
    async def story():
        disks = {"default": {"device": "/dev/vda"}, "disk2": {"device": "/dev/vdb"}}
        async with shown(DiskPage, session(disks=disks)) as pilot:
            await seen(pilot, "[x] /dev/vdb")
            await pilot.press("tab", "up", "space")
            await seen(pilot, "( ) /dev/vdb")
            assert (await left(pilot)).draft.keys.get("disk") == "/dev/vda"

    drive(story)


def test_the_page_is_there_before_the_disks_are_known():
    async def story():
        answered = threading.Event()
        world = session()
        world.inquiries.machine = lambda: VM if answered.wait(60) else None
        async with shown(DiskPage, world) as pilot:
            assert "Looking at the disks of this machine" in screen_text(pilot)
            await pilot.press("f10")
            assert pilot.app.move is None
            answered.set()
            await seen(pilot, "choose a disk")

    drive(story)


def test_given_answers_need_not_wait_for_the_disks_to_go_back():
    async def story():
        answered = threading.Event()
        world = session(disk="/dev/vdb")
        world.inquiries.machine = lambda: VM if answered.wait(60) else None
        async with shown(DiskPage, world) as pilot:
            move = await left(pilot, "escape")
            assert (move.back, move.draft.get("disk")) == (True, "/dev/vdb")
            answered.set()

    drive(story)


def test_without_a_disk_the_page_says_what_to_do():
    async def story():
        world = session(Machine())
        async with shown(DiskPage, world) as pilot:
            await seen(pilot, "This machine has no disk that could be installed on.")
            assert "How many disks" not in screen_text(pilot)
            world.inquiries.now = VM
            await pilot.press("f5")
            await seen(pilot, "( ) /dev/vda")
            assert "no disk" not in screen_text(pilot)

    drive(story)


def test_disks_none_of_which_can_be_used_are_shown_all_the_same():
    async def story():
        small = replace(VM, disks=tuple(each for each in VM.disks if each.path == "/dev/vdc"))
        async with shown(DiskPage, session(small)) as pilot:
            await seen(pilot, "None of these disks can be used")
            await seen(pilot, "it is too small")

    drive(story)


def test_a_chosen_disk_that_vanishes_is_said_and_may_come_back():
    async def story():
        world = session(disk="/dev/vdb")
        async with shown(DiskPage, world) as pilot:
            await seen(pilot, "(x) /dev/vdb")
            world.inquiries.now = without("/dev/vdb")
            await pilot.press("f5")
            await seen(pilot, "/dev/vdb was chosen, but it is not there any more.")
            await pilot.press("f10")
            await seen(pilot, "choose a disk")
            world.inquiries.now = VM
            await pilot.press("f5")
            await seen(pilot, "(x) /dev/vdb")
            assert (await left(pilot)).draft.get("disk") == "/dev/vdb"

    drive(story)


def test_a_chosen_disk_that_came_into_use_is_said():
    async def story():
        world = session(disk="/dev/vda")
        async with shown(DiskPage, world) as pilot:
            await seen(pilot, "(x) /dev/vda")
            first, *others = VM.disks
            world.inquiries.now = replace(VM, disks=(replace(first, swap=True), *others))
            await pilot.press("f5")
            await seen(pilot, "/dev/vda was chosen, but it is used as swap.")

    drive(story)


def test_the_answer_is_not_lost_by_going_back_while_the_disk_is_away():
    async def story():
        async with shown(DiskPage, session(without("/dev/vdb"), disk="/dev/vdb")) as pilot:
            await seen(pilot, "was chosen")
            assert (await left(pilot, "escape")).draft.get("disk") == "/dev/vdb"

    drive(story)


def test_a_machine_that_cannot_be_looked_at_is_said_with_the_way_out():
    async def story():
        world = session()
        world.inquiries.now = CommandError("lsblk failed.", "Is util-linux installed?")
        async with shown(DiskPage, world) as pilot:
            await seen(pilot, "lsblk failed. Is util-linux installed? F5 looks again.")
            await pilot.press("f10")
            await seen(pilot, "The disks of this machine are not known.")
            assert pilot.app.move is None
            world.inquiries.now = VM
            await pilot.press("f5")
            await seen(pilot, "( ) /dev/vda")

    drive(story)


def test_a_layout_that_is_not_asked_about_decides_what_is_large_enough():
    async def story():
        world = session(partitions=[{"mountpoint": "/", "size": 30000}])
        world.sections = (Section.DISK,)
        async with shown(DiskPage, world) as pilot:
            await seen(pilot, "( ) /dev/vda")
            await seen(
                pilot, "- /dev/vdb 20.0 GiB Scratch (virtio) cannot be used: it is too small"
            )

    drive(story)


def test_answers_that_make_an_image_are_left_alone():
    async def story():
        images = {"default": {"filename": "a.img", "size": 4096}}
        async with shown(DiskPage, session(disks=images)) as pilot:
            await seen(pilot, "( ) /dev/vda")
            assert (await left(pilot)).draft.get("disks") == images

    drive(story)


def test_an_impatient_user_goes_on_once():
    async def story():
        asked, answered = threading.Semaphore(0), threading.Event()
        world = session(disk="/dev/vda")
        assess = world.assess

        def slowly(draft):
            asked.release()
            answered.wait(60)
            return assess(draft)

        world.assess = slowly
        async with shown(DiskPage, world) as pilot:
            await seen(pilot, "(x) /dev/vda")
            for _ in range(2):
                await pilot.press("f10")
                await until(pilot, lambda: asked.acquire(blocking=False), "the check")
            answered.set()
            await until(pilot, lambda: pilot.app.move is not None, "the page's end")
            assert pilot.app.move.draft.get("disk") == "/dev/vda"

    drive(story)


def test_every_field_is_explained():
    async def story():
        async with shown(DiskPage, session()) as pilot:
            await seen(pilot, "/dev/vda")
            await pilot.press("f1")
            await seen(pilot, "Everything on the chosen disk will be lost")
            await pilot.press("escape", "tab", "f1")
            await seen(pilot, "One disk is what most machines have.")

    drive(story)
