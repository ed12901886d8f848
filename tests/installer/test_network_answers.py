"""The network's answers are Photon's version 2, interface by interface."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.draft import Draft
from installer.network_answers import (
    Method,
    NetworkAnswers,
    Row,
    Settings,
    answers_of,
    method_of,
    settings_by,
    settings_of,
    with_settings,
    words,
)
from installer.network_facts import Link
from tests.installer.kickstarts import planned, problems

ETH0 = Link("eth0", "52:54:00:12:34:56", True, ("10.0.2.15/24",), True, "10.0.2.2")
ETH1 = Link("eth1", "52:54:00:12:34:57")
ADDRESSES = st.ip_addresses().map(lambda ip: f"{ip}/{24 if ip.version == 4 else 64}")
SETTINGS = st.builds(
    Settings,
    dhcp4=st.booleans(),
    dhcp6=st.booleans(),
    addresses=st.lists(ADDRESSES, max_size=2).map(tuple),
    gateway=st.just("") | st.ip_addresses().map(str),
    nameservers=st.lists(st.ip_addresses().map(str), max_size=2).map(tuple),
    search=st.sampled_from([(), ("example.com",), ("a", "b.c")]),
)


def ids(answers):
    return [(row.section, row.id) for row in answers.rows]


def test_cards_of_which_nothing_is_said_ask_dhcp_and_are_not_written():
    answers = answers_of(Draft(), [ETH0, ETH1])
    assert [(row.name, str(row.settings)) for row in answers.rows] == [
        ("eth0", "DHCP (IPv4)"),
        ("eth1", "DHCP (IPv4)"),
    ]
    assert answers.into(Draft({"disk": "/dev/sda"})).keys == {"disk": "/dev/sda"}


def test_once_something_is_said_every_card_is_named():
    answers = answers_of(Draft(), [ETH0, ETH1])
    row = answers.row("ethernets", "eth1")
    off = Row(row.section, row.id, with_settings(row.keys, Settings()))
    written = answers.with_row(off).into(Draft()).get("network")
    assert written == {
        "version": "2",
        "ethernets": {
            "eth0": {"match": {"name": "eth0"}, "dhcp4": True},
            "eth1": {"match": {"name": "eth1"}, "accept-ra": False},
        },
    }
    assert [link.id for link in planned({"network": written}).network.interfaces] == [
        "eth0",
        "eth1",
    ]


def test_interfaces_are_found_by_name_pattern_address_or_id():
    network = {
        "ethernets": {
            "eth0": {"dhcp4": True},
            "other": {"match": {"macaddress": "52-54-00-12-34-57"}, "dhcp6": True},
            "rest": {"match": {"name": "en*"}},
        }
    }
    third = Link("enp3s0", "52:54:00:12:34:58")
    answers = answers_of(Draft({"network": network}), [ETH0, ETH1, third])
    assert [[link.name for link in row.links] for row in answers.rows] == [
        ["eth0"],
        ["eth1"],
        ["enp3s0"],
    ]
    assert [row.name for row in answers.rows] == ["eth0", "52-54-00-12-34-57", "en*"]
    assert [row.carries_vlans for row in answers.rows] == [True, False, False]
    assert answers.rows[2].facts == "enp3s0, 52:54:00:12:34:58, no cable"


def test_vlans_of_the_installer_are_no_cards():
    upper = Link("eth0.7", ETH0.mac, True, vlan=True)
    assert ids(answers_of(Draft(), [ETH0, upper])) == [("ethernets", "eth0")]


def test_a_vlan_is_named_after_its_card_as_long_as_that_is_free_and_short():
    answers = answers_of(Draft(), [ETH0, Link("enp0s3f0np0", "52:54:00:00:00:01")])
    below, long = answers.rows
    first = answers.new_vlan(below, 100)
    assert (first.id, first.keys) == ("eth0.100", {"id": 100, "link": "eth0", "dhcp4": True})
    answers = answers.with_row(first)
    assert answers.new_vlan(below, 100).id == "vlan100"
    assert answers.new_vlan(long, 4094).id == "vlan4094"
    answers = answers.with_row(answers.new_vlan(below, 100))
    assert answers.new_vlan(below, 100).id == "vlan100-2"
    network = answers.with_row(first).into(Draft()).get("network")
    assert problems({"network": network}) == []


def test_what_is_on_a_card_keeps_it():
    answers = answers_of(Draft(), [ETH0])
    vlan = answers.new_vlan(answers.rows[0], 5)
    answers = answers.with_row(vlan)
    assert answers.undeletable(answers.rows[0]) == "eth0 has VLANs on it: delete eth0.5 first."
    assert answers.undeletable(vlan) == ""
    answers = answers.without(vlan)
    assert "can be switched off" in answers.undeletable(answers.rows[0])
    gone = answers_of(Draft({"network": {"ethernets": {"eth9": {}}}}), [ETH0])
    assert gone.undeletable(gone.rows[0]) == ""
    assert ids(gone.without(gone.rows[0])) == [("ethernets", "eth0")]


def test_an_interface_that_is_gone_is_no_row():
    with pytest.raises(KeyError):
        answers_of(Draft(), [ETH0]).row("ethernets", "eth1")


def test_a_card_whose_name_is_taken_or_no_id_gets_one_of_its_own():
    network = {"ethernets": {"eth0": {"match": {"name": "eth1"}}}}
    answers = answers_of(Draft({"network": network}), [ETH0, ETH1, Link("_x", "aa:bb:cc:dd:ee:ff")])
    assert [row.id for row in answers.rows] == ["eth0", "link-525400123456", "link-aabbccddeeff"]
    assert answers.rows[1].name == "eth0"


def test_addresses_and_vlans_are_given_once():
    eth0 = {"addresses": ["192.0.2.1/24", "192.0.2.1/25"]}
    vlans = {name: {"id": 5, "link": "eth0", "dhcp4": True} for name in ("a", "b")}
    network = {"ethernets": {"eth0": eth0}, "vlans": vlans}
    found = list(answers_of(Draft({"network": network})).problems())
    assert [(remark.path, remark.message) for remark in found] == [
        (
            ("network", "ethernets", "eth0", "addresses", 1),
            "192.0.2.1 is the address of eth0 already",
        ),
        (("network", "vlans", "b", "id"), "a is VLAN 5 on eth0 already"),
    ]


@pytest.mark.parametrize(
    "legacy",
    [
        {"type": "dhcp", "hostname": "h"},
        {"type": "static", "ip_addr": "192.0.2.10", "netmask": "255.255.255.0"},
        {
            "type": "static",
            "ip_addr": "192.0.2.10",
            "netmask": "255.255.0.0",
            "gateway": "192.0.2.1",
        },
        {"version": "1", "type": "vlan", "vlan_id": "100"},
    ],
)
def test_the_legacy_form_gives_the_same_interfaces(legacy):
    def essence(network):
        return [
            (i.dhcp4, i.addresses, i.gateway, i.nameservers, i.vlan_id) for i in network.interfaces
        ]

    given = planned({"network": legacy})
    modern = answers_of(Draft({"network": legacy}), [ETH0]).into(Draft()).get("network")
    again = planned({"network": modern})
    assert essence(again.network) == essence(given.network)
    assert again.host.hostname.startswith("photon-") or again.host.hostname == "h"


def test_plain_dhcp_in_the_legacy_form_says_nothing():
    draft = Draft({"network": {"type": "dhcp"}})
    assert answers_of(draft) == NetworkAnswers(None)
    assert answers_of(draft).into(draft) == draft


def test_a_netmask_that_is_none_is_left_for_the_rules_to_name():
    legacy = {"type": "static", "ip_addr": "192.0.2.10", "netmask": "255.0.255.0"}
    (row,) = answers_of(Draft({"network": legacy})).rows
    assert row.settings.addresses == ("192.0.2.10/255.0.255.0",)


def test_an_interface_that_is_switched_on_again_listens_to_routers_again():
    off = with_settings({"match": {"name": "eth0"}, "dhcp4": True}, Settings())
    assert with_settings(off, Settings(dhcp6=True)) == {"match": {"name": "eth0"}, "dhcp6": True}


@given(SETTINGS)
def test_settings_survive_their_keys_and_the_kickstart(settings):
    keys = with_settings({"match": {"name": "eth0"}}, settings)
    assert settings_of(keys) == settings
    (link,) = planned({"network": {"version": "2", "ethernets": {"eth0": keys}}}).network.interfaces
    assert (link.dhcp4, link.dhcp6, link.addresses) == (
        settings.dhcp4,
        settings.dhcp6,
        settings.addresses,
    )
    assert (link.nameservers, link.search) == (settings.nameservers, settings.search)


@given(SETTINGS, st.sampled_from(Method))
def test_what_is_filled_in_for_another_method_is_left_out(filled, method):
    result = settings_by(method, filled)
    if method is Method.OFF:
        assert result.off
    elif method in (Method.STATIC, Method.BOTH):
        assert result.addresses == filled.addresses
    else:
        assert method_of(result) is method
        assert result.gateway == ""
    assert settings_by(method_of(filled), filled).addresses == filled.addresses


@given(
    st.lists(st.text("abc:./", min_size=1), max_size=4), st.sampled_from([" ", ", ", "\n", " ; "])
)
def test_words_are_divided_by_blanks_or_commas(parts, between):
    assert words(between.join(parts)) == tuple(parts)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text("ab"), lambda i: st.dictionaries(st.text("ab"), i)
    )
)
def test_the_draft_is_never_changed(ethernets):
    draft = Draft({"network": {"ethernets": {"eth0": {"match": {"name": "eth0"}}, "x": ethernets}}})
    before = copy.deepcopy(draft.keys)
    answers = answers_of(draft, [ETH0])
    answers.with_row(answers.new_vlan(answers.rows[0], 3))
    answers.without(answers.rows[0])
    assert draft.keys == before


def test_settings_are_said_in_a_line():
    full = Settings(True, True, ("192.0.2.1/24",), "192.0.2.2", ("192.0.2.3",), ("a.b",))
    assert str(full) == "DHCP, 192.0.2.1/24, gateway 192.0.2.2, DNS 192.0.2.3, search a.b"
    assert str(Settings(dhcp6=True)) == "DHCP (IPv6)"
    assert str(Settings()) == "off"
