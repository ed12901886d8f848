"""The host's page: name, passwords, keys, users, time zone; and that no secret leaves it."""

import threading

import pytest
from textual.events import Paste
from textual.widgets import Input

from engine.errors import CommandError, NetworkError
from installer.draft import Draft
from installer.interview import Session
from installer.plan import Secret
from installer.ssh_keys import key_facts
from tests.installer.kickstarts import HASH, KEY, OTHER_KEY
from tests.tui.wizard.inquiries import RecordedInquiries
from tests.tui.wizard.pilot import drive, screen_text, shown, until
from tui.widgets.fields import TextField
from tui.widgets.keys import KeysField
from tui.widgets.password import PasswordField
from tui.wizard.host import HostPage
from tui.wizard.users import UserForm

SECRET = "xK3v9pQe!mmz"
SET = {"text": HASH, "crypted": True}
NOBODY = "nobody could log in to this machine"


def session_of(draft=None, inquiries=None):
    given = {"password": SET} if draft is None else draft
    found = inquiries or RecordedInquiries()
    return Session(found, "x86_64", draft=Draft(given), host_name="photon-1")


def run(story, session=None):
    async def whole():
        async with shown(HostPage, session or session_of()) as pilot:
            await story(pilot)

    drive(whole)


def inputs(pilot, id):
    return list(pilot.app.screen.query_one(f"#{id}").query(Input))


def type_password(pilot, text, again=None, id="password"):
    first, second = inputs(pilot, id)
    first.value, second.value = text, text if again is None else again


async def says(pilot, text):
    await until(pilot, lambda: text in " ".join(screen_text(pilot).split()), text)


async def leave(pilot, key="f10"):
    await pilot.press(key)
    await until(pilot, lambda: pilot.app.move is not None, "leaving the page")
    return pilot.app.move


async def open_user(pilot, *keys):
    pilot.app.screen.query_one("#users ItemList").focus()
    await pilot.press(*keys)
    await until(pilot, lambda: isinstance(pilot.app.screen, UserForm))
    await pilot.pause()


async def accept(pilot):
    await pilot.press("f10")
    await until(pilot, lambda: isinstance(pilot.app.screen, HostPage), "the form's end")
    await pilot.pause()


def test_the_defaults_are_a_name_and_utc():
    async def story(pilot):
        move = await leave(pilot)
        assert move.draft.keys == {"password": SET, "hostname": "photon-1", "timezone": "UTC"}

    run(story)


def test_a_wrong_name_is_said_beside_it():
    async def story(pilot):
        inputs(pilot, "hostname")[0].value = "my host"
        await pilot.press("f10")
        await says(pilot, "must be a host name: letters, digits and hyphens")
        assert pilot.app.screen.query_one("#hostname", TextField).has_class("wrong")

    run(story)


def test_a_name_that_the_network_part_gave_is_moved_here():
    async def story(pilot):
        assert inputs(pilot, "hostname")[0].value == "gate"
        draft = (await leave(pilot)).draft
        assert (draft.get("hostname"), draft.get("network")) == ("gate", {"version": "2"})

    run(story, session_of({"password": SET, "network": {"version": "2", "hostname": "gate"}}))


def test_a_password_leaves_as_a_hash_and_is_not_shown_again():
    async def story(pilot):
        type_password(pilot, SECRET)
        await pilot.pause()
        assert SECRET not in screen_text(pilot)
        move = await leave(pilot)
        assert move.draft.get("password") == SET
        assert SECRET not in repr(move)
        assert SECRET not in repr(vars(pilot.app.page))

    run(story, session_of({}))


@pytest.mark.parametrize("first", ["f10", "escape"])
def test_coming_back_says_that_there_is_a_password(first):
    session = session_of({})

    async def story(pilot):
        type_password(pilot, SECRET)
        session.draft = (await leave(pilot, first)).draft
        assert session.draft.get("password") == SET

    async def again(pilot):
        await says(pilot, "(set; type to change)")
        assert (await leave(pilot)).draft.get("password") == SET

    run(story, session)
    run(again, session)


def test_two_different_passwords_keep_the_user_here():
    async def story(pilot):
        type_password(pilot, SECRET, SECRET + "x")
        await says(pilot, "the second one differs")
        await pilot.press("f10")
        await says(pilot, "the two are not the same (type both again)")
        assert pilot.app.move is None

    run(story, session_of({}))


def test_how_good_it_is_is_said_while_it_is_typed():
    async def story(pilot):
        type_password(pilot, "photon-1xyz", "")
        await says(pilot, 'Strength: weak: "photon-1" is in it')
        type_password(pilot, SECRET, "")
        await says(pilot, "Strength: good")

    run(story, session_of({}))


def test_a_weak_password_is_taken():
    async def story(pilot):
        type_password(pilot, "123")
        assert (await leave(pilot)).draft.get("password") == SET

    run(story, session_of({}))


def test_the_age_of_a_password_outlives_a_change():
    async def story(pilot):
        type_password(pilot, SECRET)
        assert (await leave(pilot)).draft.get("password") == {**SET, "age": 0}

    run(story, session_of({"password": {"text": "*", "crypted": True, "age": 0}}))


def test_root_can_be_locked_again():
    async def story(pilot):
        pilot.app.screen.query_one("#password .remove").press()
        await says(pilot, "(none: locked)")
        await pilot.press("f10")
        await says(pilot, NOBODY)
        inputs(pilot, "keys")[0].value = KEY
        draft = (await leave(pilot)).draft
        assert (draft.get("shadow_password"), draft.get("public_key")) == (None, KEY)

    run(story, session_of({"shadow_password": HASH}))


def test_a_password_that_cannot_be_hashed_stays_on_the_page_and_unsaid():
    class NoOpenssl(RecordedInquiries):
        def hash_password(self, text):
            raise CommandError("openssl could not be started.", "Install it.")

    async def story(pilot):
        type_password(pilot, SECRET)
        await pilot.press("f10")
        await says(pilot, "openssl could not be started. (Install it.)")
        assert SECRET not in screen_text(pilot)

    run(story, session_of({}, NoOpenssl()))


def test_clear_text_from_a_file_is_hashed():
    users = [{"name": "ada", "password": {"text": SECRET}}, {"name": "bob", "password": SET}]

    async def story(pilot):
        move = await leave(pilot)
        assert SECRET not in repr(move)
        assert move.draft.get("password") == SET
        assert [user["password"] for user in move.draft.get("users")] == [SET, SET]

    run(story, session_of({"password": {"text": SECRET}, "users": users}))


def test_a_machine_that_nobody_could_enter_is_not_left_behind():
    async def story(pilot):
        await pilot.press("f10")
        await says(pilot, NOBODY)
        await says(pilot, "give root a password or an SSH key, or add a user with a password")

    run(story, session_of({}))


def test_a_user_without_sudo_is_not_enough():
    async def story(pilot):
        await pilot.press("f10")
        await says(pilot, "nobody could become root on this machine")

    run(story, session_of({"users": [{"name": "ada", "password": SET}]}))


def test_keys_are_shown_by_type_comment_and_fingerprint():
    async def story(pilot):
        inputs(pilot, "keys")[0].focus()
        pilot.app.screen.post_message(Paste(KEY))
        await pilot.pause()
        await pilot.press("enter")
        await says(pilot, f"ssh-ed25519 ada@example.com {key_facts(KEY).fingerprint}")
        pilot.app.screen.query_one("#keys ItemList").focus()
        await pilot.press("delete")
        await until(pilot, lambda: "SHA256" not in screen_text(pilot))
        assert (await leave(pilot)).draft.get("public_key") is None

    run(story)


def test_several_keys_are_pasted_at_once():
    async def story(pilot):
        inputs(pilot, "keys")[0].focus()
        pilot.app.screen.post_message(Paste(f"{KEY}\n{OTHER_KEY}\n"))
        await says(pilot, "ssh-rsa bob@example.com")
        assert (await leave(pilot)).draft.get("public_key") == f"{KEY}\n{OTHER_KEY}"

    run(story)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "must be the public key, this is the private one"),
        ("ssh-ed25519 AAAA", "must be a whole key, this one is damaged"),
        ("hello", "must begin with the key's type"),
    ],
)
def test_what_is_no_key_is_said_and_not_kept(text, said):
    async def story(pilot):
        inputs(pilot, "keys")[0].value = text
        inputs(pilot, "keys")[0].focus()
        await pilot.press("enter")
        await says(pilot, said)
        await pilot.press("f10")
        await pilot.pause()
        await says(pilot, said)
        move = await leave(pilot, "escape")
        assert move.draft.get("public_key") is None

    async def whole():
        async with shown(HostPage, session_of()) as pilot:
            pilot.app.screen._first = False
            await story(pilot)

    drive(whole)


def test_keys_are_fetched_from_an_address():
    inquiries = RecordedInquiries()
    inquiries.keys = (KEY, OTHER_KEY)

    async def story(pilot):
        field = inputs(pilot, "keys")[0]
        field.value = "https://github.com/ada.keys"
        await pilot.press("f10")
        await says(pilot, "these keys have not been fetched yet (press Enter in the field)")
        field.focus()
        await pilot.press("enter")
        await says(pilot, "ssh-rsa bob@example.com")
        assert (await leave(pilot)).draft.get("public_key") == f"{KEY}\n{OTHER_KEY}"

    run(story, session_of(inquiries=inquiries))


def test_an_address_without_keys_says_why():
    inquiries = RecordedInquiries()
    inquiries.keys = NetworkError("There is no key there.", "Is the address right?")

    async def story(pilot):
        field = inputs(pilot, "keys")[0]
        field.value = "https://example.com/x"
        field.focus()
        await pilot.press("enter")
        await says(pilot, "There is no key there. Is the address right?")

    run(story, session_of(inquiries=inquiries))


def test_fetching_can_be_given_up():
    class Slow(RecordedInquiries):
        def fetch_keys(self, url, cancel):
            stopped = threading.Event()
            with cancel.calling(stopped.set):
                stopped.wait(60)
            cancel.check()
            return (KEY,)

    async def story(pilot):
        field = inputs(pilot, "keys")[0]
        field.value = "https://example.com/x"
        field.focus()
        await pilot.press("enter")
        await says(pilot, "fetching https://example.com/x ...")
        await pilot.press("f8")
        await says(pilot, "stopped")

    run(story, session_of(inquiries=Slow()))


def test_a_user_is_added_changed_and_taken_away():
    async def story(pilot):
        await open_user(pilot, "enter")
        inputs(pilot, "name")[0].value = "ada"
        type_password(pilot, SECRET, id="user-password")
        inputs(pilot, "groups")[0].value = "wheel, docker"
        inputs(pilot, "user-keys")[0].value = KEY
        pilot.app.screen.query_one("#sudo ChoiceList").focus()
        await pilot.press("space")
        await accept(pilot)
        await says(pilot, "ada: password set, 1 SSH key, may use sudo, in wheel, docker")
        ada = {"name": "ada", "sudo": True, "groups": ["wheel", "docker"]}
        whole = {**ada, "public_keys": [KEY], "password": SET}
        assert pilot.app.screen.answer().get("users") == [whole]
        await open_user(pilot, "home", "enter")
        await says(pilot, "(set; type to change)")
        inputs(pilot, "groups")[0].value = ""
        pilot.app.screen.query_one("#user-keys ItemList").focus()
        await pilot.press("delete")
        await accept(pilot)
        await says(pilot, "ada: password set, may use sudo")
        changed = {"name": "ada", "sudo": True, "password": SET}
        assert pilot.app.screen.answer().get("users") == [changed]
        pilot.app.screen.query_one("#users ItemList").focus()
        await pilot.press("home", "delete")
        await until(pilot, lambda: "ada:" not in screen_text(pilot))
        assert pilot.app.screen.answer().get("users") is None

    run(story, session_of({}))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "Ada"}, "must be a user name: lower-case letters"),
        ({"name": "root"}, "must not be root"),
        ({"name": "bob"}, "must be a user's only entry"),
        ({"groups": "Wheel"}, "must be a group name: lower-case letters"),
        ({"user-keys": "hello"}, "must begin with the key's type"),
        ({"user-password": SECRET}, "the two are not the same"),
    ],
)
def test_what_is_wrong_with_a_user_is_said_in_the_form(values, said):
    async def story(pilot):
        await open_user(pilot, "end", "enter")
        inputs(pilot, "name")[0].value = "ada"
        for id, text in values.items():
            inputs(pilot, id)[0].value = text
        await pilot.press("f10")
        await says(pilot, said)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HostPage))
        assert [user["name"] for user in pilot.app.screen.answer().get("users")] == ["bob"]

    run(story, session_of({"password": SET, "users": [{"name": "bob"}]}))


def test_sudo_needs_a_password():
    async def story(pilot):
        await open_user(pilot, "home", "enter")
        pilot.app.screen.query_one("#user-password .remove").press()
        await pilot.pause()
        await pilot.press("f10")
        await says(pilot, "sudo asks for the user's password, and there is none")

    user = {"name": "ada", "sudo": True, "password": SET}
    run(story, session_of({"password": SET, "users": [user]}))


def test_a_time_zone_is_found_by_a_part_of_its_name():
    async def story(pilot):
        field = inputs(pilot, "timezone")[0]
        field.focus()
        await pilot.press(*"york")
        await says(pilot, "york America/New_York")
        await pilot.press("enter")
        assert field.value == "America/New_York"
        await until(pilot, lambda: "york" not in screen_text(pilot))
        assert (await leave(pilot)).draft.get("timezone") == "America/New_York"

    run(story)


def test_a_time_zone_is_chosen_from_the_list():
    async def story(pilot):
        inputs(pilot, "timezone")[0].focus()
        await pilot.press(*"europe")
        await says(pilot, "Europe/Berlin Europe/Dublin")
        await pilot.press("tab", "down", "enter")
        await says(pilot, "Time zone Europe/Dublin")
        assert (await leave(pilot)).draft.get("timezone") == "Europe/Dublin"

    run(story)


def test_the_way_a_time_zone_is_written_does_not_matter():
    async def story(pilot):
        inputs(pilot, "timezone")[0].value = "europe/berlin"
        assert (await leave(pilot)).draft.get("timezone") == "Europe/Berlin"

    run(story)


def test_an_unknown_time_zone_is_said_with_one_that_is_like_it():
    async def story(pilot):
        inputs(pilot, "timezone")[0].value = "Europe/Berlim"
        await pilot.press("f10")
        await says(pilot, 'there is no time zone "Europe/Berlim" (did you mean "Europe/Berlin"?)')

    run(story)


def test_without_a_table_of_zones_any_name_of_the_right_form_is_taken():
    inquiries = RecordedInquiries()
    inquiries.zones = ()

    async def story(pilot):
        inputs(pilot, "timezone")[0].value = "Mars/Base One"
        await pilot.press("f10")
        await says(pilot, "must be the name of a time zone")
        inputs(pilot, "timezone")[0].value = "Mars/Base_One"
        assert (await leave(pilot)).draft.get("timezone") == "Mars/Base_One"

    run(story, session_of(inquiries=inquiries))


def test_every_field_is_explained():
    async def story(pilot):
        for id in ("hostname", "password", "keys", "timezone"):
            inputs(pilot, id)[0].focus()
            await pilot.press("f1")
            await says(pilot, "Esc closes")
            await pilot.press("escape")
            await pilot.pause()

    run(story)


def test_a_password_field_shows_no_secret_in_its_repr():
    async def story(pilot):
        type_password(pilot, SECRET)
        field = pilot.app.screen.query_one("#password", PasswordField)
        assert SECRET not in repr(field)
        assert SECRET not in repr(field.text)
        assert field.text == Secret(SECRET)
        assert not list(pilot.app.screen.query_one("#keys", KeysField).problems())

    run(story)
