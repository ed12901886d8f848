"""`network`, in Photon's version 2 and legacy forms -> interfaces."""

from __future__ import annotations

import ipaddress

from installer.kickstart.reading import Reading
from installer.kickstart.schema import (
    EthernetKeys,
    InterfaceKeys,
    Nameservers,
    Network1,
    Network2,
    VlanKeys,
)
from installer.plan import Interface, Network

ANY_ETHERNET = "e*"
_FIRST = "eth0"


def read_network(reading: Reading) -> Network:
    """The interfaces; every Ethernet by DHCP when nothing is said."""
    keys = reading.keys.network
    if keys is None:
        return Network((Interface("dhcp-en", match_name=ANY_ETHERNET, dhcp4=True),))
    if isinstance(keys, Network1):
        return Network(_legacy(reading, keys))
    ethernets = [_ethernet(id, item, keys) for id, item in keys.ethernets.items()]
    vlans = [_vlan(reading, id, item, keys) for id, item in keys.vlans.items()]
    for id, item in keys.ethernets.items():
        _check_gateway(reading, ("network", "ethernets", id), item)
    for id, vlan in keys.vlans.items():
        _check_gateway(reading, ("network", "vlans", id), vlan)
        if id in keys.ethernets:
            message = f'the id "{id}" is given to an ethernet already'
            reading.problem(("network", "vlans", id), message, of_key=True)
    return Network((*ethernets, *vlans))


def _ethernet(id: str, keys: EthernetKeys, network: Network2) -> Interface:
    match = keys.match
    named = match is None or (match.name is None and match.macaddress is None)
    return _interface(
        id,
        keys,
        network.nameservers,
        match_name=id if named else (match.name or "" if match else ""),
        match_mac=_mac(match.macaddress if match else None),
    )


def _vlan(reading: Reading, id: str, keys: VlanKeys, network: Network2) -> Interface:
    path = ("network", "vlans", id, "link")
    below = network.ethernets.get(keys.link)
    if below is None:
        if not reading.doubts("network", "ethernets"):
            known = ", ".join(network.ethernets) or "none"
            message = f'there is no ethernet "{keys.link}"'
            reading.problem(path, message, f"the ids in ethernets are: {known}")
    elif below.match is not None and not _plain_name(below.match.name):
        message = f'"{keys.link}" is matched by no plain name, which a VLAN needs'
        reading.problem(path, message, 'give it "match": {"name": "eth0"}')
    return _interface(id, keys, network.nameservers, vlan_id=keys.id, link=keys.link)


def _interface(
    id: str,
    keys: InterfaceKeys,
    common: Nameservers | None,
    *,
    match_name: str = "",
    match_mac: str = "",
    vlan_id: int | None = None,
    link: str = "",
) -> Interface:
    names = keys.nameservers or common or Nameservers()
    return Interface(
        id=id,
        match_name=match_name,
        match_mac=match_mac,
        dhcp4=keys.dhcp4,
        dhcp6=keys.dhcp6,
        accept_ra=keys.accept_ra,
        addresses=tuple(keys.addresses),
        gateway=keys.gateway or "",
        nameservers=tuple(names.addresses),
        search=tuple(names.search),
        vlan_id=vlan_id,
        link=link,
    )


def _plain_name(name: str | None) -> bool:
    return bool(name) and not any(sign in str(name) for sign in "*?[!")


def _mac(text: str | None) -> str:
    return (text or "").lower().replace("-", ":")


def _check_gateway(reading: Reading, path: tuple[str, ...], keys: InterfaceKeys) -> None:
    if keys.gateway is None or not keys.addresses or reading.doubts(*path, "addresses"):
        return
    gateway = ipaddress.ip_address(keys.gateway)
    networks = [ipaddress.ip_interface(address).network for address in keys.addresses]
    if not any(gateway in network for network in networks if network.version == gateway.version):
        message = f"the gateway {gateway} is in no network of the interface's addresses"
        reading.warn((*path, "gateway"), message, "is it right?")


def _legacy(reading: Reading, keys: Network1) -> tuple[Interface, ...]:
    if keys.type == "dhcp":
        return (Interface("dhcp-en", match_name=ANY_ETHERNET, dhcp4=True),)
    wanted = {"static": ("ip_addr", "netmask"), "vlan": ("vlan_id",)}[keys.type]
    missing = [key for key in wanted if getattr(keys, key) is None]
    for key in missing:
        if not reading.doubts("network", key):
            message = f'network: the key "{key}" is missing for type {keys.type}'
            reading.problem(("network",), message)
    if missing:
        return ()
    if keys.type == "vlan":
        lower = Interface("dhcp-en", match_name=_FIRST, dhcp4=True)
        upper = Interface(f"vlan{keys.vlan_id}", dhcp4=True, vlan_id=keys.vlan_id, link=lower.id)
        return (lower, upper)
    prefix = ipaddress.ip_network(f"0.0.0.0/{keys.netmask}").prefixlen
    return (
        Interface(
            "static-en",
            match_name=_FIRST,
            addresses=(f"{keys.ip_addr}/{prefix}",),
            gateway=keys.gateway or "",
            nameservers=(keys.nameserver,) if keys.nameserver else (),
        ),
    )
