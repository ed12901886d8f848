"""The network's page: what is shown, changed, tested, and what of it is in the draft."""

import pytest

from engine.errors import CommandError
from installer.draft import Draft
from installer.interview import Session
from installer.network_facts import Link
from installer.network_test import Finding, Outcome
from tests.tui.wizard.inquiries import RecordedInquiries
from tests.tui.wizard.pilot import drive, screen_text, shown, until
from tui.widgets.choices import ChoiceField
from tui.widgets.fields import TextField
from tui.wizard.interface_editor import InterfaceEditor
from tui.wizard.network import NetworkPage
from tui.wizard.network_check import NetworkCheck

MAC = "52:54:00:12:34:56"
ETH0 = Link("eth0", MAC, True, ("10.0.2.15/24",), True, "10.0.2.2")
ETH1 = Link("eth1", "52:54:00:12:34:57")
STATIC = {"match": {"name": "eth0"}, "addresses": ["192.0.2.10/24"], "gateway": "192.0.2.1"}


def session_of(draft=None, cards=(ETH0, ETH1)):
    inquiries = RecordedInquiries()
    inquiries.cards = cards
    return Session(inquiries, "x86_64", draft=Draft(draft or {}))


def field(pilot, id):
    return pilot.app.screen.query_one(f"#{id}", TextField)


def fill(pilot, **values):
    for id, text in values.items():
        field(pilot, id)._input.value = text


async def choose(pilot, id, choice):
    """By the keys a user has."""
    choices = pilot.app.screen.query_one(f"#{id}", ChoiceField).list
    choices.focus()
    choices.highlighted = list(choices._choices).index(choice)
    await pilot.press("space")
    await pilot.pause()


async def ready(pilot, name="eth0"):
    await until(pilot, lambda: f"{name}:" in screen_text(pilot))


async def open_editor(pilot, downs=0):
    await ready(pilot)
    await pilot.press("tab") if pilot.app.screen.focused is None else None
    pilot.app.screen.query_one("ItemList").focus()
    await pilot.press(*["down"] * downs, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, InterfaceEditor))
    await pilot.pause()


async def left(pilot):
    await until(pilot, lambda: pilot.app.move is not None, "leaving the page")
    return pilot.app.move


def run(story, session, kind=NetworkPage):
    async def whole():
        async with shown(kind, session) as pilot:
            await story(pilot)

    drive(whole)


def test_cards_are_shown_with_all_that_is_known_of_them():
    async def story(pilot):
        await ready(pilot)
        text = screen_text(pilot)
        assert "eth0:  DHCP (IPv4)" in text
        assert f"{MAC}, connected, 10.0.2.15/24 by DHCP, gateway 10.0.2.2" in text
        assert "52:54:00:12:34:57, no cable" in text
        assert "+ Add a VLAN" in text

    run(story, session_of())


def test_who_changes_nothing_leaves_the_network_to_dhcp():
    async def story(pilot):
        await ready(pilot)
        await pilot.press("f10")
        assert (await left(pilot)).draft.keys == {"hostname": "h"}

    run(story, session_of({"hostname": "h"}))


def test_a_static_address_is_written_with_the_other_cards_by_name():
    async def story(pilot):
        await open_editor(pilot)
        assert "10.0.2.15/24 by DHCP" in screen_text(pilot)
        assert not field(pilot, "addresses").display
        await choose(pilot, "method", "static")
        assert field(pilot, "addresses").display
        fill(pilot, addresses="192.0.2.10/24, 2001:db8::1/64", gateway="192.0.2.1")
        fill(pilot, nameservers="192.0.2.53", search="example.com")
        await pilot.press("f10")
        await until(pilot, lambda: "eth0:  192.0.2.10/24" in screen_text(pilot))
        await pilot.press("f10")
        assert (await left(pilot)).draft.get("network") == {
            "version": "2",
            "ethernets": {
                "eth0": {
                    "match": {"name": "eth0"},
                    "addresses": ["192.0.2.10/24", "2001:db8::1/64"],
                    "gateway": "192.0.2.1",
                    "nameservers": {"addresses": ["192.0.2.53"], "search": ["example.com"]},
                },
                "eth1": {"match": {"name": "eth1"}, "dhcp4": True},
            },
        }

    run(story, session_of())


@pytest.mark.parametrize(
    ("values", "id", "said"),
    [
        ({"addresses": ""}, "addresses", "an address is missing (such as 192.0.2.10/24)"),
        ({"addresses": "192.0.2.10"}, "addresses", '(write "192.0.2.10/24")'),
        ({"addresses": "x/24"}, "addresses", "must be an IP address with its prefix"),
        ({"gateway": "router"}, "gateway", "must be an IP address, such as 192.0.2.1"),
        ({"nameservers": "dns"}, "nameservers", "must be an IP address, such as 192.0.2.1"),
        ({"search": "a_b"}, "search", "must be a host name"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(values, id, said):
    async def story(pilot):
        await open_editor(pilot)
        await choose(pilot, "method", "static")
        fill(pilot, **{"addresses": "192.0.2.10/24", **values})
        await pilot.press("f10")
        wrong = field(pilot, id)
        await until(pilot, lambda: wrong.has_class("wrong"), said)
        assert said in str(wrong.query_one(".error").content)
        await pilot.press("escape")
        await ready(pilot)
        assert "eth0:  DHCP (IPv4)" in screen_text(pilot)

    run(story, session_of())


def test_a_doubtful_gateway_is_taken_when_it_is_confirmed():
    async def story(pilot):
        await open_editor(pilot)
        await choose(pilot, "method", "static")
        fill(pilot, addresses="192.0.2.10/24", gateway="198.51.100.1")
        await pilot.press("f10")
        await until(pilot, lambda: "in no network of the interface" in screen_text(pilot))
        assert "OK again takes it as it is." in screen_text(pilot)
        await pilot.press("f10")
        await until(pilot, lambda: "gateway 198.51.100.1" in screen_text(pilot))
        assert isinstance(pilot.app.screen, NetworkPage)

    run(story, session_of())


def test_an_interface_that_is_off_is_said_to_be():
    async def story(pilot):
        await open_editor(pilot, downs=1)
        await choose(pilot, "method", "off")
        assert not field(pilot, "nameservers").display
        await pilot.press("f10")
        await until(pilot, lambda: "eth1:  off" in screen_text(pilot))
        await pilot.press("f10")
        keys = (await left(pilot)).draft.get("network", "ethernets", "eth1")
        assert keys == {"match": {"name": "eth1"}, "accept-ra": False}

    run(story, session_of())


def test_a_vlan_is_added_and_taken_away():
    async def story(pilot):
        await ready(pilot)
        items = pilot.app.screen.query_one("ItemList")
        items.focus()
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, InterfaceEditor))
        await pilot.press("f10")
        await until(pilot, lambda: "must be a number from 1 to 4094" in screen_text(pilot))
        fill(pilot, number="100")
        await pilot.press("f10")
        await until(pilot, lambda: "eth0.100 (VLAN 100 on eth0):  DHCP" in screen_text(pilot))
        assert "exists on the installed machine" in screen_text(pilot)
        vlan = pilot.app.screen.answer().get("network", "vlans", "eth0.100")
        assert vlan == {"id": 100, "link": "eth0", "dhcp4": True}
        items.focus()
        items.highlighted = 0
        await pilot.press("delete")
        await until(pilot, lambda: "delete eth0.100 first" in screen_text(pilot))
        items.highlighted = 2
        await pilot.press("delete")
        await until(pilot, lambda: "eth0.100" not in screen_text(pilot))
        items.highlighted = 0
        await pilot.press("d")
        await until(pilot, lambda: "It can be switched off." in screen_text(pilot))

    run(story, session_of())


def test_the_same_vlan_twice_is_refused():
    vlans = {"storage": {"id": 100, "link": "eth0", "dhcp4": True}}
    network = {"ethernets": {"eth0": {"dhcp4": True}}, "vlans": vlans}

    async def story(pilot):
        await ready(pilot)
        pilot.app.screen.query_one("ItemList").focus()
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, InterfaceEditor))
        await pilot.pause()
        fill(pilot, number="100")
        await pilot.press("f10")
        await until(pilot, lambda: "storage is VLAN 100 on eth0 already" in screen_text(pilot))

    run(story, session_of({"network": network}))


def test_without_a_card_there_is_no_vlan():
    async def story(pilot):
        await until(pilot, lambda: "No network card was found" in screen_text(pilot))
        pilot.app.screen.query_one("ItemList").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "a VLAN needs a network card below it" in screen_text(pilot))

    run(story, session_of(cards=()))


def test_looking_again_finds_a_card_and_keeps_the_answers():
    session = session_of({"network": {"ethernets": {"eth0": STATIC}}}, cards=(ETH0,))

    async def story(pilot):
        await ready(pilot)
        assert "eth1" not in screen_text(pilot)
        session.inquiries.cards = (ETH0, ETH1)
        await pilot.press("f5")
        await ready(pilot, "eth1")
        assert "eth0:  192.0.2.10/24, gateway 192.0.2.1" in screen_text(pilot)

    run(story, session)


def test_cards_that_cannot_be_read_are_said_and_the_answers_stay():
    class Blind(RecordedInquiries):
        def links(self):
            raise CommandError("ip could not be started.", "Install iproute2.")

    session = Session(Blind(), "x86_64", draft=Draft({"network": {"ethernets": {"eth0": STATIC}}}))

    async def story(pilot):
        await until(pilot, lambda: "Install iproute2." in screen_text(pilot))
        assert "not in this machine now" in screen_text(pilot)
        await pilot.press("f10")
        assert (await left(pilot)).draft.get("network", "ethernets", "eth0") == STATIC

    run(story, session)


def test_a_wrong_answer_from_a_file_is_named_by_its_interface():
    wrong = {"match": {"name": "eth0"}, "addresses": ["192.0.2.10"]}

    async def story(pilot):
        await ready(pilot)
        await pilot.press("f10")
        await until(pilot, lambda: "eth0: must have a prefix length" in screen_text(pilot))
        await pilot.press("f6")
        await pilot.pause()
        assert isinstance(pilot.app.screen, NetworkPage)
        await pilot.press("escape")
        assert (await left(pilot)).back

    async def again():
        app_session = session_of({"network": {"ethernets": {"eth0": wrong}}})
        async with shown(NetworkPage, app_session) as pilot:
            pilot.app.screen._first = False
            await story(pilot)

    drive(again)


def test_one_address_on_two_interfaces_is_refused():
    both = {"eth0": STATIC, "eth1": {**STATIC, "match": {"name": "eth1"}}}

    async def story(pilot):
        await ready(pilot)
        await pilot.press("f10")
        said = "eth1: 192.0.2.10 is the address of eth0 already"
        await until(pilot, lambda: said in screen_text(pilot))

    run(story, session_of({"network": {"ethernets": both}}))


def test_the_test_tells_what_it_found():
    session = session_of({"ostree": {"repo_url": "https://srv1.example.com/repo"}})
    session.inquiries.findings = [
        Finding("eth0", Outcome.GOOD, "has a carrier"),
        Finding("eth1", Outcome.BAD, "no carrier"),
    ]

    async def story(pilot):
        await ready(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: "done.  Esc closes" in screen_text(pilot))
        text = screen_text(pilot)
        assert "[ok] eth0: has a carrier" in text
        assert "[!!] eth1: no carrier" in text
        rows, url = session.inquiries.examined
        assert ([row.id for row in rows], url) == (
            ["eth0", "eth1"],
            "https://srv1.example.com/repo",
        )
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, NetworkPage))

    run(story, session)


def test_a_test_that_cannot_run_says_why():
    class Broken(RecordedInquiries):
        def examine_network(self, rows, url, cancel):
            raise CommandError("ip failed.", "Look.")

    inquiries = Broken()
    inquiries.cards = (ETH0,)

    async def story(pilot):
        await ready(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: "[!!] ip failed. Look." in screen_text(pilot))

    run(story, Session(inquiries, "x86_64"))


def test_closing_the_test_stops_it():
    tokens = []

    class Slow(RecordedInquiries):
        def examine_network(self, rows, url, cancel):
            tokens.append(cancel)
            yield Finding("eth0", Outcome.GOOD, "has a carrier")
            stopped = threading.Event()
            with cancel.calling(stopped.set):
                stopped.wait(60)
            cancel.check()
            yield Finding("eth0", Outcome.GOOD, "too late")

    import threading

    inquiries = Slow()
    inquiries.cards = (ETH0,)

    async def story(pilot):
        await ready(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: "has a carrier" in screen_text(pilot))
        assert isinstance(pilot.app.screen, NetworkCheck)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, NetworkPage))
        assert tokens[0].cancelled

    run(story, Session(inquiries, "x86_64"))


def test_f1_explains_the_list_and_a_form_its_fields():
    async def story(pilot):
        await open_editor(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: "a server in the network gives address" in screen_text(pilot))
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("f1")
        await until(pilot, lambda: "F6 tests what can be tested" in screen_text(pilot))

    run(story, session_of())


def test_static_and_dhcp_together_stay_as_they_are():
    both = {"match": {"name": "eth0"}, "addresses": ["192.0.2.10/24"], "dhcp4": True}

    async def story(pilot):
        await open_editor(pilot)
        assert "(x) Static addresses, and DHCP as given" in screen_text(pilot)
        await pilot.press("f10")
        await until(pilot, lambda: isinstance(pilot.app.screen, NetworkPage))
        assert pilot.app.screen.answer().get("network", "ethernets", "eth0") == both

    run(story, session_of({"network": {"ethernets": {"eth0": both}}}))
