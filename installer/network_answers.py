"""The network's part of a draft, interface by interface.

The installed tree asks DHCP on every Ethernet interface that nothing is said of (as Photon's
99-dhcp-en.network does): so one is off only when that is said.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from installer.draft import Draft, Remark
from installer.network_facts import Link
from installer.rules import identifier

ETHERNETS, VLANS = "ethernets", "vlans"
_MAX_NAME = 15  # the kernel's limit for an interface's name
Keys = Mapping[str, Any]


class Method(StrEnum):
    """How an interface gets its addresses. BOTH: some are static, others come by DHCP."""

    DHCP4 = "dhcp4"
    DHCP = "dhcp"
    DHCP6 = "dhcp6"
    STATIC = "static"
    BOTH = "both"
    OFF = "off"


@dataclass(frozen=True)
class Settings:
    """What an interface is told. addresses: with prefix length."""

    dhcp4: bool = False
    dhcp6: bool = False
    addresses: tuple[str, ...] = ()
    gateway: str = ""
    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()

    @property
    def off(self) -> bool:
        return not (self.dhcp4 or self.dhcp6 or self.addresses)

    def __str__(self) -> str:
        if self.off:
            return "off"
        words = [name for name, given in self._methods if given] + list(self.addresses)
        if self.gateway:
            words.append(f"gateway {self.gateway}")
        if self.nameservers:
            words.append(f"DNS {' '.join(self.nameservers)}")
        if self.search:
            words.append(f"search {' '.join(self.search)}")
        return ", ".join(words)

    @property
    def _methods(self) -> tuple[tuple[str, bool], ...]:
        both = self.dhcp4 and self.dhcp6
        return (
            ("DHCP", both),
            ("DHCP (IPv4)", self.dhcp4 and not both),
            ("DHCP (IPv6)", self.dhcp6 and not both),
        )


@dataclass(frozen=True)
class Row:
    """An interface of the installed machine. section: ethernets or vlans. id: its key there.
    given: whether the draft says something of it. links: those of this machine it is about."""

    section: str
    id: str
    keys: Keys
    given: bool = True
    links: tuple[Link, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        return ("network", self.section, self.id)

    @property
    def settings(self) -> Settings:
        return settings_of(self.keys)

    @property
    def is_vlan(self) -> bool:
        return self.section == VLANS

    @property
    def carries_vlans(self) -> bool:
        """It is found by a plain name, as a VLAN's lower interface must be."""
        name = str((self.keys.get("match") or {"name": self.id}).get("name") or "*")
        return not self.is_vlan and not any(sign in name for sign in "*?[!")

    @property
    def name(self) -> str:
        """What the interface is called, or how it is found."""
        match = self.keys.get("match") or {}
        if self.is_vlan:
            return f"{self.id} (VLAN {self.keys.get('id')} on {self.keys.get('link')})"
        return str(match.get("macaddress") or match.get("name") or self.id)

    @property
    def facts(self) -> str:
        """What is known of it here."""
        if self.links:
            return "\n".join(
                f"{f'{link.name}, ' if link.name != self.name else ''}{link.mac}, {link.summary}"
                for link in self.links
            )
        return "exists on the installed machine" if self.is_vlan else "not in this machine now"


@dataclass(frozen=True)
class NetworkAnswers:
    """keys: `network` in version 2; None while nothing is said. links: of this machine."""

    keys: Keys | None = None
    links: tuple[Link, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """What is said, then the interfaces of which nothing is said; VLANs at the end."""
        given = [self._row(ETHERNETS, id, keys) for id, keys in self._given(ETHERNETS).items()]
        covered = {link.name for row in given for link in row.links}
        missing = [each for each in self._physical if each.name not in covered]
        taken = {*self._given(ETHERNETS), *self._given(VLANS)}
        unsaid = [_unsaid(link, taken) for link in missing]
        upper = [self._row(VLANS, id, keys) for id, keys in self._given(VLANS).items()]
        return (*given, *unsaid, *upper)

    def row(self, section: str, id: str) -> Row:
        """Raises KeyError for an interface that is gone."""
        found = (row for row in self.rows if (row.section, row.id) == (section, id))
        row = next(found, None)
        if row is None:
            raise KeyError(id)
        return row

    def with_row(self, row: Row) -> NetworkAnswers:
        """With what row says. From here on every interface is named, since a VLAN needs the one
        below it by its id."""
        keys = self._complete()
        keys[row.section] = {**keys.get(row.section, {}), row.id: dict(row.keys)}
        return replace(self, keys=keys)

    def without(self, row: Row) -> NetworkAnswers:
        keys = dict(self.keys or {})
        keys[row.section] = {k: v for k, v in keys.get(row.section, {}).items() if k != row.id}
        return replace(self, keys=keys)

    def undeletable(self, row: Row) -> str:
        """Why a row must stay; "" when it need not."""
        if row.is_vlan:
            return ""
        upper = [id for id, keys in self._given(VLANS).items() if keys.get("link") == row.id]
        if upper:
            return f"{row.id} has VLANs on it: delete {', '.join(upper)} first."
        if any(row.name in (link.name, link.mac) for link in row.links):
            return f"{row.name} is a card of this machine. It can be switched off."
        return ""

    def new_vlan(self, below: Row, number: int) -> Row:
        """A VLAN on an Ethernet interface, with a name that is still free."""
        taken = {row.id for row in self.rows}
        names = [f"{below.id}.{number}", f"vlan{number}"]
        names += [f"vlan{number}-{count}" for count in range(2, len(taken) + 3)]
        name = next(name for name in names if name not in taken and len(name) <= _MAX_NAME)
        return Row(VLANS, name, {"id": number, "link": below.id, "dhcp4": True})

    def into(self, draft: Draft) -> Draft:
        """The draft with these answers. Nothing is written while nothing was said."""
        return draft if self.keys is None else draft.with_value(self._complete(), "network")

    def problems(self) -> Iterator[Remark]:
        """What the kickstart's rules let pass, but cannot work."""
        owners: dict[str, str] = {}
        for row in self.rows:
            for index, address in enumerate(row.settings.addresses):
                bare = address.split("/")[0]
                if bare in owners:
                    message = f"{bare} is the address of {owners[bare]} already"
                    yield Remark((*row.path, "addresses", index), message)
                owners.setdefault(bare, row.id)
        numbers: dict[tuple[Any, Any], str] = {}
        for row in self.rows:
            if row.is_vlan:
                place = (row.keys.get("link"), row.keys.get("id"))
                if place in numbers:
                    message = f"{numbers[place]} is VLAN {place[1]} on {place[0]} already"
                    yield Remark((*row.path, "id"), message)
                numbers.setdefault(place, row.id)

    @property
    def _physical(self) -> list[Link]:
        return [link for link in self.links if not link.vlan]

    def _given(self, section: str) -> Mapping[str, Keys]:
        found = (self.keys or {}).get(section)
        items = found.items() if isinstance(found, Mapping) else ()
        return {id: keys for id, keys in items if isinstance(keys, Mapping)}

    def _row(self, section: str, id: str, keys: Keys) -> Row:
        vlan = section == VLANS
        links = tuple(
            link
            for link in self.links
            if (link.name == id if vlan else not link.vlan and _matches(id, keys, link))
        )
        return Row(section, id, keys, links=links)

    def _complete(self) -> dict[str, Any]:
        keys = {"version": "2", **(self.keys or {})}
        keys[ETHERNETS] = {row.id: dict(row.keys) for row in self.rows if not row.is_vlan}
        return keys


def answers_of(draft: Draft, links: Sequence[Link] = ()) -> NetworkAnswers:
    """What a draft says; Photon's legacy form in the words of version 2."""
    keys = draft.get("network")
    if not isinstance(keys, dict):
        return NetworkAnswers(None, tuple(links))
    return NetworkAnswers(_modern(keys), tuple(links))


def settings_of(keys: Keys) -> Settings:
    names = keys.get("nameservers") or {}
    return Settings(
        dhcp4=keys.get("dhcp4") in (True, "yes", "true"),
        dhcp6=keys.get("dhcp6") in (True, "yes", "true"),
        addresses=tuple(keys.get("addresses") or ()),
        gateway=keys.get("gateway") or "",
        nameservers=tuple(names.get("addresses") or ()),
        search=tuple(names.get("search") or ()),
    )


def with_settings(keys: Keys, settings: Settings) -> dict[str, Any]:
    """The keys of an interface with other settings. One that is off does not listen to routers
    either."""
    names = {"addresses": [*settings.nameservers], "search": [*settings.search]}
    changed: dict[str, Any] = {
        "dhcp4": settings.dhcp4,
        "dhcp6": settings.dhcp6,
        "addresses": [*settings.addresses],
        "gateway": settings.gateway,
        "nameservers": {name: value for name, value in names.items() if value},
    }
    was_off = settings_of(keys).off
    kept = {key: value for key, value in keys.items() if key not in changed}
    if settings.off:
        kept["accept-ra"] = False
    elif was_off:
        kept.pop("accept-ra", None)
    return {**kept, **{key: value for key, value in changed.items() if value}}


def method_of(settings: Settings) -> Method:
    asks = {
        (True, True): Method.DHCP,
        (True, False): Method.DHCP4,
        (False, True): Method.DHCP6,
        (False, False): None,
    }[settings.dhcp4, settings.dhcp6]
    if settings.addresses:
        return Method.BOTH if asks else Method.STATIC
    return asks or Method.OFF


def settings_by(method: Method, filled: Settings) -> Settings:
    """What is filled in, as far as it belongs to the method."""
    if method is Method.OFF:
        return Settings()
    if method is Method.BOTH:
        return filled
    if method is Method.STATIC:
        return replace(filled, dhcp4=False, dhcp6=False)
    return replace(
        filled,
        dhcp4=method in (Method.DHCP, Method.DHCP4),
        dhcp6=method in (Method.DHCP, Method.DHCP6),
        addresses=(),
        gateway="",
    )


def words(text: str) -> tuple[str, ...]:
    """What is divided by blanks or commas."""
    return tuple(word for word in re.split(r"[\s,;]+", text) if word)


def _unsaid(link: Link, taken: Container[str]) -> Row:
    free = identifier(link.name) is None and link.name not in taken
    id = link.name if free else f"link-{link.mac.replace(':', '')}"
    return Row(ETHERNETS, id, {"match": {"name": link.name}, "dhcp4": True}, False, (link,))


def _matches(id: str, keys: Keys, link: Link) -> bool:
    match = keys.get("match") or {}
    name, mac = match.get("name"), match.get("macaddress")
    if not name and not mac:
        name = id
    same_mac = not mac or mac.lower().replace("-", ":") == link.mac.lower()
    return same_mac and (not name or fnmatch.fnmatchcase(link.name, name))


def _modern(keys: dict[str, Any]) -> dict[str, Any] | None:
    """None for the legacy form that says what is done anyway."""
    if "type" not in keys:
        return keys
    named = {"hostname": keys["hostname"]} if keys.get("hostname") else {}
    if keys["type"] == "dhcp":
        return {"version": "2", **named} if named else None
    lower: dict[str, Any] = {"match": {"name": "eth0"}, "dhcp4": True}
    if keys["type"] == "vlan":
        number = keys.get("vlan_id")
        upper = {f"vlan{number}": {"id": _number(number), "link": "eth0", "dhcp4": True}}
        return {"version": "2", **named, ETHERNETS: {"eth0": lower}, VLANS: upper}
    address = f"{keys.get('ip_addr')}/{_prefix(keys.get('netmask'))}"
    server = keys.get("nameserver")
    settings = Settings(
        addresses=(address,),
        gateway=keys.get("gateway") or "",
        nameservers=(server,) if server else (),
    )
    return {"version": "2", **named, ETHERNETS: {"eth0": with_settings(lower, settings)}}


def _number(given: Any) -> Any:
    return int(given) if isinstance(given, str) and given.isdecimal() else given


def _prefix(netmask: Any) -> Any:
    try:
        return ipaddress.ip_network(f"0.0.0.0/{netmask}").prefixlen
    except ValueError:
        return netmask
