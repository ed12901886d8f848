"""Facts about the network interfaces of the machine the installer runs on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.command import Commands

_PHYSICAL = frozenset({"ether", "infiniband"})


@dataclass(frozen=True)
class Link:
    """An interface as `ip` sees it. up: has a carrier. addresses: CIDR, with global scope.
    dynamic: one of them came from DHCP or a router. gateway: of its default route, "" without."""

    name: str
    mac: str
    up: bool = False
    addresses: tuple[str, ...] = ()
    dynamic: bool = False
    gateway: str = ""
    vlan: bool = False

    @property
    def summary(self) -> str:
        """Such as "connected, 10.0.2.15/24 by DHCP, gateway 10.0.2.2"."""
        words = ["connected" if self.up else "no cable"]
        if self.addresses:
            words.append(f"{', '.join(self.addresses)}{' by DHCP' if self.dynamic else ''}")
        if self.gateway:
            words.append(f"gateway {self.gateway}")
        return ", ".join(words)


def probe_links(commands: Commands) -> tuple[Link, ...]:
    """The Ethernet interfaces, in the kernel's order. Raises CommandError without iproute2."""
    return links_from(record_links(commands))


def record_links(commands: Commands) -> dict[str, Any]:
    """The raw material of `links_from`, fit for JSON."""

    def ask(*words: str) -> Any:
        return json.loads(commands.run(["ip", "-json", *words], quiet=True).stdout or "[]")

    routes = [*ask("-4", "route", "show", "default"), *ask("-6", "route", "show", "default")]
    return {"addresses": ask("-details", "address"), "routes": routes}


def links_from(recording: Mapping[str, Any]) -> tuple[Link, ...]:
    """Read a recording of `record_links`."""
    gateways = {route["dev"]: route.get("gateway", "") for route in reversed(recording["routes"])}
    found = (_link(row, gateways) for row in recording["addresses"] if row.get("ifname"))
    return tuple(link for link in found if link is not None)


def _link(row: Mapping[str, Any], gateways: Mapping[str, str]) -> Link | None:
    """None for what is not a card: loopback, bridges, tunnels."""
    kind = row.get("linkinfo", {}).get("info_kind", "")
    if row.get("link_type") not in _PHYSICAL or kind not in ("", "vlan"):
        return None
    addresses = tuple(_global_addresses(row.get("addr_info", ())))
    return Link(
        name=row["ifname"],
        mac=row.get("address", ""),
        up="LOWER_UP" in row.get("flags", ()),
        addresses=tuple(f"{each['local']}/{each['prefixlen']}" for each in addresses),
        dynamic=any(each.get("dynamic", False) for each in addresses),
        gateway=gateways.get(row["ifname"], ""),
        vlan=kind == "vlan",
    )


def _global_addresses(rows: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (row for row in rows if row.get("scope") == "global" and row.get("local"))
