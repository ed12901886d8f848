"""The test of the network: each thing that was looked at, with a reason."""

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import Cancelled, NetworkError
from installer.draft import Draft
from installer.network_answers import ETHERNETS, Row, answers_of
from installer.network_facts import Link
from installer.network_test import LiveWire, examine, update_url
from tests.nginx import closed_port, nginx

LEASED = Link("eth0", "52:54:00:12:34:56", True, ("10.0.2.15/24",), True, "10.0.2.2")
BARE = Link("eth0", "52:54:00:12:34:56", True)
URL = "https://srv1.example.com/repo"
STATIC = {"addresses": ["192.0.2.10/24"]}


class Wire:
    """A network in which everything is as the attributes say."""

    def __init__(self, *links, owners=(), pings=(), names=(), server=""):
        self._links = links
        self._owners, self._pings, self._names = dict(owners), dict(pings), dict(names)
        self._server = server

    def links(self):
        return self._links

    def has_owner(self, address, link):
        return self._owners.get(address)

    def answers_ping(self, address, link):
        return self._pings.get(address)

    def knows_name(self, server, name):
        known = self._names.get(server)
        if known is None:
            raise NetworkError(f"{server} did not answer within 4 s.")
        return name in known

    def reach_repository(self, url):
        if self._server:
            raise NetworkError(self._server)


def lines(keys, wire, url="", id="eth0"):
    rows = answers_of(Draft({"network": {"ethernets": {id: keys}}}), wire.links()).rows
    return [str(finding) for finding in examine(rows, url, wire)]


def test_a_leased_address_is_named_and_its_gateway_asked():
    wire = Wire(LEASED, owners={"10.0.2.2": True})
    assert lines({"dhcp4": True, "dhcp6": True}, wire) == [
        "[ok] eth0: has a carrier",
        "[ok] eth0, DHCP (IPv4): the installer was given 10.0.2.15/24",
        "[!!] eth0, DHCP (IPv6): the installer was given no address here",
        "[ok] eth0, gateway 10.0.2.2: answers",
    ]


def test_an_address_by_hand_says_nothing_of_dhcp():
    by_hand = Link("eth0", "52:54:00:12:34:56", True, ("10.0.2.15/24",))
    assert lines({"dhcp4": True}, Wire(by_hand))[1:] == [
        "[--] eth0, DHCP (IPv4): the installer has 10.0.2.15/24 here by hand: DHCP was not asked"
    ]


def test_without_a_cable_nothing_more_is_looked_at():
    down = Link("eth0", "52:54:00:12:34:56")
    said = "[!!] eth0: no carrier: the cable is out, or the other end is off"
    assert lines(STATIC, Wire(down)) == [said]


@pytest.mark.parametrize(
    ("owners", "said"),
    [
        (
            {"192.0.2.10": True},
            "[!!] eth0, 192.0.2.10/24: another machine has this address already",
        ),
        ({"192.0.2.10": False}, "[ok] eth0, 192.0.2.10/24: nobody has this address yet"),
        ({}, "[--] eth0, 192.0.2.10/24: only root can ask whether it is free"),
    ],
)
def test_whether_a_static_address_is_free(owners, said):
    assert lines(STATIC, Wire(BARE, owners=owners))[1:] == [said]


def test_an_address_of_the_installer_itself_is_no_duplicate():
    wire = Wire(LEASED, owners={"10.0.2.15": True, "10.0.2.2": True})
    said = lines({"addresses": ["10.0.2.15/16"]}, wire)
    assert said[1] == "[ok] eth0, 10.0.2.15/16: the installer has this address itself"


def test_ipv6_addresses_are_not_asked_for():
    said = lines({"addresses": ["2001:db8::1/64"]}, Wire(BARE))
    assert said[1:] == ["[--] eth0, 2001:db8::1/64: whether it is free is only looked at for IPv4"]


@pytest.mark.parametrize(
    ("link", "owners", "pings", "said"),
    [
        (BARE, {"192.0.2.1": True}, {}, "[ok] eth0, gateway 192.0.2.1: answers"),
        (BARE, {"192.0.2.1": False}, {}, "[!!] eth0, gateway 192.0.2.1: nobody answers"),
        (LEASED, {}, {"192.0.2.1": True}, "[ok] eth0, gateway 192.0.2.1: answers"),
        (LEASED, {}, {"192.0.2.1": False}, "[!!] eth0, gateway 192.0.2.1: nobody answers"),
        (BARE, {}, {"192.0.2.1": True}, "cannot be asked from the installer"),
    ],
)
def test_whether_the_gateway_is_there(link, owners, pings, said):
    wire = Wire(link, owners=owners, pings=pings)
    assert said in lines({**STATIC, "gateway": "192.0.2.1"}, wire)[-1]


def test_a_gateway_of_ipv6_is_only_asked_by_ping():
    wire = Wire(LEASED, owners={"2001:db8::1": False}, pings={"2001:db8::1": True})
    keys = {"addresses": ["2001:db8::2/64"], "gateway": "2001:db8::1"}
    assert lines(keys, wire)[-1] == "[ok] eth0, gateway 2001:db8::1: answers"


@pytest.mark.parametrize(
    ("names", "url", "said"),
    [
        ({"192.0.2.53": ["srv1.example.com"]}, URL, "[ok] {}: answers, and knows srv1.example.com"),
        ({"192.0.2.53": []}, URL, "[!!] {}: answers, but does not know srv1.example.com"),
        ({}, URL, "[!!] {}: 192.0.2.53 did not answer within 4 s."),
        ({"192.0.2.53": []}, "", "[ok] {}: answers"),
        ({"192.0.2.53": []}, "http://192.0.2.1/repo", "[ok] {}: answers"),
    ],
)
def test_whether_a_name_server_helps(names, url, said):
    keys = {**STATIC, "nameservers": {"addresses": ["192.0.2.53"]}}
    found = lines(keys, Wire(LEASED, names=names), url)
    assert said.format("name server 192.0.2.53") in found


@pytest.mark.parametrize(
    ("link", "url", "server", "said"),
    [
        (LEASED, URL, "", "[ok] server srv1.example.com: answers, and has a repository"),
        (LEASED, URL, "It is off.", "[!!] server srv1.example.com: It is off."),
        (BARE, URL, "", "[--] server srv1.example.com: the installer has no address to ask from"),
        (LEASED, "file:///repo", "", "[--] file:///repo: is no server in the network"),
    ],
)
def test_whether_the_server_answers(link, url, server, said):
    assert lines({"dhcp4": True}, Wire(link, server=server), url)[-1] == said


def test_without_an_address_no_name_server_is_asked():
    keys = {**STATIC, "nameservers": {"addresses": ["192.0.2.53"]}}
    said = "[--] name server 192.0.2.53: the installer has no address to ask from"
    assert lines(keys, Wire(BARE))[-1] == said


def test_what_cannot_be_tested_here_says_so():
    rows = [
        Row(ETHERNETS, "eth9", {"dhcp4": True}),
        Row("vlans", "eth0.5", {"id": 5, "link": "eth0", "dhcp4": True}),
        Row(ETHERNETS, "eth1", {}),
    ]
    assert [str(each) for each in examine(rows, "", Wire(LEASED))] == [
        "[--] eth9: is not in this machine",
        "[--] eth0.5: exists on the installed machine only",
        "[--] eth1: is off",
    ]


def test_updates_come_from_the_own_server_or_the_official_one():
    own = Draft({"ostree": {"repo_url": URL}})
    assert update_url(own, "x86_64") == URL
    official = "https://packages.vmware.com/photon/rpm-ostree/base/5.0/x86_64/repo"
    assert update_url(Draft(), "x86_64") == official
    older = Draft({"ostree": {"repo_ref": "photon/4.0/x86_64/minimal"}})
    assert "/base/4.0/" in update_url(older, "x86_64")


@pytest.fixture
def live():
    return LiveWire(SystemCommands(), CancelToken())


def test_this_machines_cards_are_found(live):
    assert all(link.name for link in live.links())


def test_a_real_server_with_a_repository_is_reached(live, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/config").write_text("[core]\nrepo_version=1\n")
    with nginx(tmp_path / "root", tmp_path / "nginx") as server:
        live.reach_repository(server.url)


@pytest.mark.parametrize(
    ("files", "said"),
    [({}, "has no such file (404)"), ({"config": "hello"}, "is no OSTree repository")],
)
def test_a_real_server_without_one_says_why(live, tmp_path, files, said):
    (tmp_path / "root").mkdir()
    for name, text in files.items():
        (tmp_path / "root" / name).write_text(text)
    with (
        nginx(tmp_path / "root", tmp_path / "nginx") as server,
        pytest.raises(NetworkError, match=said.replace("(", r"\(").replace(")", r"\)")),
    ):
        live.reach_repository(server.url)


def test_a_server_that_is_off_says_so(live):
    with pytest.raises(NetworkError, match="refused the connection"):
        live.reach_repository(f"http://127.0.0.1:{closed_port()}/repo")


def test_a_ping_that_cannot_be_sent_tells_nothing(live):
    assert live.answers_ping("192.0.2.1", "nosuch0") is None


def test_a_test_that_was_given_up_asks_nobody():
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        LiveWire(SystemCommands(cancel=token), token).answers_ping("127.0.0.1", "lo")
    with pytest.raises(Cancelled):
        LiveWire(SystemCommands(), token).reach_repository("http://127.0.0.1:1/repo")
