"""The review's page, the kickstart on it, and the confirmation."""

from dataclasses import replace

import pytest

from engine.errors import CommandError, NetworkError
from installer.draft import Section
from tests.tui.wizard.inquiries import recorded_machine
from tests.tui.wizard.pilot import drive, screen_text, shown, until
from tests.tui.wizard.wizards import HASH, answered, session_of
from tui.wizard.confirm import Confirmation
from tui.wizard.kickstart_view import KickstartView, SaveForm
from tui.wizard.review import Confirmed, ReviewPage


async def ready(pilot):
    await until(pilot, lambda: "Looking at" not in screen_text(pilot))


async def confirming(pilot):
    await ready(pilot)
    await pilot.press("f10")
    await until(pilot, lambda: isinstance(pilot.app.screen, Confirmation))


def test_only_the_disks_name_starts_an_installation(tmp_path):
    async def story():
        async with shown(ReviewPage, session_of(tmp_path)) as pilot:
            await confirming(pilot)
            assert "This will be destroyed:" in screen_text(pilot)
            assert "Type vda and press Enter" in screen_text(pilot)
            assert "This is a dry run: nothing is written." in screen_text(pilot)
            await pilot.press(*"yes", "enter")
            await until(pilot, lambda: "This is not vda." in screen_text(pilot))
            assert pilot.app.move is None
            await pilot.press(*["backspace"] * 3, *"vda", "enter")
            await until(pilot, lambda: pilot.app.move is not None)
            assert isinstance(pilot.app.move, Confirmed)
            assert pilot.app.move.install.target == "/dev/vda"

    drive(story)


def test_an_image_asks_for_a_yes(tmp_path):
    async def story():
        disks = {"default": {"filename": str(tmp_path / "disk.img"), "size": 4096}}
        draft = answered(tmp_path, disks=disks).without("disk")
        async with shown(ReviewPage, session_of(tmp_path, draft, dry=False)) as pilot:
            await confirming(pilot)
            assert "Type yes and press Enter" in screen_text(pilot)
            assert "nothing: an image file is made" in screen_text(pilot)
            assert "dry run" not in screen_text(pilot)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(pilot.app.screen, ReviewPage))
            assert pilot.app.move is None

    drive(story)


def test_a_dry_run_says_so_on_the_page(tmp_path):
    async def story():
        async with shown(ReviewPage, session_of(tmp_path)) as pilot:
            await until(pilot, lambda: "This is a dry run" in screen_text(pilot))

    drive(story)


@pytest.mark.parametrize(("key", "section"), [*enumerate(Section, start=1)])
def test_a_digit_goes_to_its_section(tmp_path, key, section):
    async def story():
        async with shown(ReviewPage, session_of(tmp_path)) as pilot:
            await pilot.press(str(key))
            assert pilot.app.move.to is section

    drive(story)


def test_a_problem_is_shown_with_the_key_that_mends_it(tmp_path):
    async def story():
        session = session_of(tmp_path, answered(tmp_path, hostname="a b"))
        async with shown(ReviewPage, session) as pilot:
            await until(pilot, lambda: "[!!] (5) must be a host name" in screen_text(pilot))
            await pilot.press("f10")
            await until(pilot, lambda: "cannot start yet" in screen_text(pilot))
            await pilot.press("k")
            assert isinstance(pilot.app.screen, ReviewPage)

    drive(story)


def test_a_key_that_no_page_asks_for_can_be_left_out(tmp_path):
    async def story():
        session = session_of(tmp_path, answered(tmp_path, colour="red"))
        async with shown(ReviewPage, session) as pilot:
            await until(pilot, lambda: "Press D to leave out colour" in screen_text(pilot))
            await pilot.press("d")
            await until(pilot, lambda: "WILL BE DESTROYED" in screen_text(pilot))
            assert "colour" not in session.draft.keys

    drive(story)


def test_a_disk_that_comes_back_is_found_by_looking_again(tmp_path):
    async def story():
        session = session_of(tmp_path)
        session.inquiries.now = replace(recorded_machine("vm"), disks=())
        async with shown(ReviewPage, session) as pilot:
            await until(pilot, lambda: "there is no such disk" in screen_text(pilot))
            session.inquiries.now = recorded_machine("vm")
            await pilot.press("f5")
            await until(pilot, lambda: "WILL BE DESTROYED" in screen_text(pilot))

    drive(story)


@pytest.mark.parametrize(
    ("attribute", "error", "said"),
    [
        ("now", CommandError("lsblk failed.", "Is it there?"), "lsblk failed. (Is it there?)"),
        ("source", NetworkError("No answer."), "[!!] (1) No answer."),
    ],
)
def test_what_cannot_be_found_out_stands_against_it(tmp_path, attribute, error, said):
    async def story():
        session = session_of(tmp_path, dry=False)
        setattr(session.inquiries, attribute, error)
        async with shown(ReviewPage, session) as pilot:
            await until(pilot, lambda: said in screen_text(pilot))
            await pilot.press("f10")
            await until(pilot, lambda: "cannot start yet" in screen_text(pilot))

    drive(story)


async def viewing(pilot):
    await ready(pilot)
    await pilot.press("k")
    await until(pilot, lambda: isinstance(pilot.app.screen, KickstartView))


async def saving(pilot):
    await viewing(pilot)
    await pilot.press("s")
    await until(pilot, lambda: isinstance(pilot.app.screen, SaveForm))


def name_of(pilot):
    return pilot.app.screen.query_one("#name")._input


def test_the_kickstart_is_shown_without_hashes_and_closed(tmp_path):
    async def story():
        async with shown(ReviewPage, session_of(tmp_path)) as pilot:
            await viewing(pilot)
            assert '"arch": "x86_64"' in screen_text(pilot)
            await pilot.press("end")
            await pilot.pause()
            assert HASH not in screen_text(pilot)
            await pilot.press("escape")
            assert isinstance(pilot.app.screen, ReviewPage)

    drive(story)


def test_the_kickstart_is_saved_to_a_file(tmp_path):
    async def story():
        async with shown(ReviewPage, session_of(tmp_path)) as pilot:
            await saving(pilot)
            name_of(pilot).value = str(tmp_path / "ks.json")
            await pilot.press("f10")
            await until(pilot, lambda: "Saved: " in screen_text(pilot))
            assert HASH in (tmp_path / "ks.json").read_text()
            assert (tmp_path / "ks.json").stat().st_mode & 0o777 == 0o600

    drive(story)


@pytest.mark.parametrize(("name", "said"), [("/", "must be the name of a file"), ("x", "exists")])
def test_a_place_that_cannot_be_is_told_in_the_form(tmp_path, name, said):
    async def story():
        (tmp_path / "x").touch()
        async with shown(ReviewPage, session_of(tmp_path)) as pilot:
            await saving(pilot)
            name_of(pilot).value = str(tmp_path / name) + ("/" if name == "/" else "")
            await pilot.press("f10")
            await until(pilot, lambda: said in screen_text(pilot))
            assert isinstance(pilot.app.screen, SaveForm)

    drive(story)


def test_the_kickstart_is_saved_to_a_stick_that_is_found(tmp_path):
    async def story():
        session = session_of(tmp_path)
        machine = recorded_machine("vm")
        stick = replace(
            next(disk for disk in machine.disks if disk.path == "/dev/vdb"), transport="usb"
        )
        session.inquiries.now = replace(machine, disks=(*machine.disks[:1], stick))
        async with shown(ReviewPage, session) as pilot:
            await saving(pilot)
            await until(pilot, lambda: "/dev/vdb1" in screen_text(pilot))
            pilot.app.screen.query_one("#where").list.focus()
            await pilot.press("down", "space", "f10")
            await until(pilot, lambda: "Saved: photree-kickstart.json on" in screen_text(pilot))
            ((path, text),) = session.inquiries.saved
            assert (path, HASH in text) == ("/dev/vdb1", True)

    drive(story)
