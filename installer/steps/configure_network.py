"""Write the machine's network as systemd-networkd files. Formats: systemd.network(5), netdev(5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from installer.context import Context
from installer.plan import Interface, Network
from installer.steps.step import Step

_FOLDER = "/etc/systemd/network"
_RESOLVED = "/usr/lib/systemd/system/systemd-resolved.service"


class ConfigureNetwork(Step):
    id = "configure-network"
    title = "Configure the network"

    def do(self, ctx: Context) -> None:
        network = ctx.plan.network
        for name, text in network_files(network):
            ctx.files.write(f"{_FOLDER}/{name}", text)
        servers = [server for link in network.interfaces for server in link.nameservers]
        if servers and not ctx.files.exists(_RESOLVED):
            ctx.files.write("/etc/resolv.conf", resolv_conf(network))


def network_files(network: Network) -> list[tuple[str, str]]:
    """(file name, text) of every .netdev and .network file, VLANs after what they lie on."""
    files = []
    for link in network.interfaces:
        if link.vlan_id is not None:
            files.append((f"10-{link.id}.netdev", _netdev(link)))
        vlans = [other.id for other in network.interfaces if other.link == link.id]
        files.append((f"10-{link.id}.network", _network(link, vlans)))
    return files


def resolv_conf(network: Network) -> str:
    """For trees without systemd-resolved."""
    servers = dict.fromkeys(s for link in network.interfaces for s in link.nameservers)
    domains = dict.fromkeys(d for link in network.interfaces for d in link.search)
    search = f"search {' '.join(domains)}\n" if domains else ""
    return search + "".join(f"nameserver {server}\n" for server in servers)


def _netdev(link: Interface) -> str:
    return _sections(
        ("NetDev", [("Name", link.id), ("Kind", "vlan")]), ("VLAN", [("Id", str(link.vlan_id))])
    )


def _network(link: Interface, vlans: Sequence[str]) -> str:
    match = [("MACAddress", link.match_mac), ("Name", link.match_name)]
    if not link.match_mac and not link.match_name:
        match = [("Name", link.id)]
    ra = {None: "", True: "yes", False: "no"}[link.accept_ra]
    return _sections(
        ("Match", match),
        (
            "Network",
            [
                ("DHCP", _dhcp(link)),
                ("IPv6AcceptRA", ra),
                *(("Address", address) for address in link.addresses),
                ("Gateway", link.gateway),
                *(("DNS", server) for server in link.nameservers),
                ("Domains", " ".join(link.search)),
                *(("VLAN", name) for name in vlans),
            ],
        ),
    )


def _dhcp(link: Interface) -> str:
    both = {(True, True): "yes", (True, False): "ipv4", (False, True): "ipv6"}
    return both.get((link.dhcp4, link.dhcp6), "no")


def _sections(*sections: tuple[str, Iterable[tuple[str, str]]]) -> str:
    """Keys with an empty value are left out."""
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in keys if value)
        for name, keys in sections
    )
