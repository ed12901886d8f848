"""What can be told of the network's answers before the machine is installed.

The installer's own network is never changed for it: the tree may be coming over it, and so may the
user. So an address and a gateway are asked for by ARP, which needs no address of one's own, and the
name servers and the update server over what the installer has.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from engine.cancel import CancelToken
from engine.command import Commands
from engine.errors import NetworkError, PhotreeError
from installer.draft import Draft
from installer.network_answers import Row, Settings
from installer.network_facts import Link, probe_links
from installer.official import official_ref, official_url

_ANY_NAME = "example.com"
_PING_SECONDS = 2


class Outcome(StrEnum):
    """As shown in front of a finding."""

    GOOD = "ok"
    BAD = "!!"
    UNKNOWN = "--"


@dataclass(frozen=True)
class Finding:
    """subject: what was looked at. reason: what it is like, or why nothing can be told."""

    subject: str
    outcome: Outcome
    reason: str

    def __str__(self) -> str:
        return f"[{self.outcome}] {self.subject}: {self.reason}"


class Wire(Protocol):
    """The network as the installer sees it. None means: it cannot be told."""

    def links(self) -> Sequence[Link]: ...

    def has_owner(self, address: str, link: str) -> bool | None:
        """Whether another machine beside the interface has the address (IPv4)."""
        ...

    def answers_ping(self, address: str, link: str) -> bool | None: ...

    def knows_name(self, server: str, name: str) -> bool:
        """Raises NetworkError when the name server does not answer."""
        ...

    def reach_repository(self, url: str) -> None:
        """Raises NetworkError with the reason."""
        ...


def examine(rows: Sequence[Row], url: str, wire: Wire) -> Iterator[Finding]:
    """Finding after finding, as they are made. url: where updates come from, "" to leave it out.
    Raises Cancelled, CommandError."""
    links = wire.links()
    for row in rows:
        yield from _examine_row(row, links, wire)
    online = any(link.addresses for link in links)
    servers = dict.fromkeys(server for row in rows for server in row.settings.nameservers)
    for server in servers:
        yield _name_server(server, url, online, wire)
    if url:
        yield _repository(url, online, wire)


def update_url(draft: Draft, arch: str) -> str:
    """Where the machine will get its updates from."""
    own = draft.get("ostree", "repo_url")
    if isinstance(own, str):
        return own
    return official_url(str(draft.get("ostree", "repo_ref") or official_ref(arch)), arch)


def _examine_row(row: Row, links: Sequence[Link], wire: Wire) -> Iterator[Finding]:
    if row.settings.off:
        yield Finding(row.id, Outcome.UNKNOWN, "is off")
        return
    names = {link.name for link in row.links}
    found = [link for link in links if link.name in names]
    if not found:
        reason = "exists on the installed machine only" if row.is_vlan else "is not in this machine"
        yield Finding(row.id, Outcome.UNKNOWN, reason)
    for link in found:
        if not link.up:
            reason = "no carrier: the cable is out, or the other end is off"
            yield Finding(link.name, Outcome.BAD, reason)
            continue
        yield Finding(link.name, Outcome.GOOD, "has a carrier")
        yield from _leases(row.settings, link)
        for address in row.settings.addresses:
            yield _address(address, link, wire)
        gateway = row.settings.gateway or link.gateway
        if gateway:
            yield _gateway(gateway, link, wire)


def _leases(settings: Settings, link: Link) -> Iterator[Finding]:
    for wanted, version in ((settings.dhcp4, 4), (settings.dhcp6, 6)):
        if not wanted:
            continue
        subject = f"{link.name}, DHCP (IPv{version})"
        mine = [a for a in link.addresses if ipaddress.ip_interface(a).version == version]
        if mine and link.dynamic:
            yield Finding(subject, Outcome.GOOD, f"the installer was given {', '.join(mine)}")
        elif mine:
            reason = f"the installer has {', '.join(mine)} here by hand: DHCP was not asked"
            yield Finding(subject, Outcome.UNKNOWN, reason)
        else:
            yield Finding(subject, Outcome.BAD, "the installer was given no address here")


def _address(address: str, link: Link, wire: Wire) -> Finding:
    subject = f"{link.name}, {address}"
    bare = address.partition("/")[0]
    if bare in (mine.partition("/")[0] for mine in link.addresses):
        return Finding(subject, Outcome.GOOD, "the installer has this address itself")
    if ipaddress.ip_address(bare).version == 6:
        reason = "whether it is free is only looked at for IPv4"
        return Finding(subject, Outcome.UNKNOWN, reason)
    match wire.has_owner(bare, link.name):
        case True:
            return Finding(subject, Outcome.BAD, "another machine has this address already")
        case False:
            return Finding(subject, Outcome.GOOD, "nobody has this address yet")
    return Finding(subject, Outcome.UNKNOWN, "only root can ask whether it is free")


def _gateway(gateway: str, link: Link, wire: Wire) -> Finding:
    subject = f"{link.name}, gateway {gateway}"
    version = ipaddress.ip_address(gateway).version
    answered = wire.has_owner(gateway, link.name) if version == 4 else None
    if answered is None and link.addresses:
        answered = wire.answers_ping(gateway, link.name)
    match answered:
        case True:
            return Finding(subject, Outcome.GOOD, "answers")
        case False:
            return Finding(subject, Outcome.BAD, "nobody answers")
    return Finding(subject, Outcome.UNKNOWN, "it cannot be asked from the installer")


def _name_server(server: str, url: str, online: bool, wire: Wire) -> Finding:
    subject = f"name server {server}"
    if not online:
        return Finding(subject, Outcome.UNKNOWN, "the installer has no address to ask from")
    name = _host_name(url)
    try:
        known = wire.knows_name(server, name or _ANY_NAME)
    except NetworkError as error:
        return Finding(subject, Outcome.BAD, error.message)
    if known or not name:
        return Finding(subject, Outcome.GOOD, f"answers, and knows {name}" if name else "answers")
    return Finding(subject, Outcome.BAD, f"answers, but does not know {name}")


def _repository(url: str, online: bool, wire: Wire) -> Finding:
    subject = f"server {urlsplit(url).hostname or url}"
    if urlsplit(url).scheme not in ("http", "https"):
        return Finding(url, Outcome.UNKNOWN, "is no server in the network")
    if not online:
        return Finding(subject, Outcome.UNKNOWN, "the installer has no address to ask from")
    try:
        wire.reach_repository(url)
    except NetworkError as error:
        return Finding(subject, Outcome.BAD, error.message)
    return Finding(subject, Outcome.GOOD, "answers, and has a repository")


def _host_name(url: str) -> str:
    """The name that must be resolved to reach url; "" when it has none."""
    name = urlsplit(url).hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name
    return ""


class LiveWire:
    """The machine's own network. Only reads and asks; every question has a time limit."""

    def __init__(self, commands: Commands, cancel: CancelToken) -> None:
        self._commands = commands
        self._cancel = cancel

    def links(self) -> Sequence[Link]:
        return probe_links(self._commands)

    def has_owner(self, address: str, link: str) -> bool | None:
        from installer.arp_probe import somebody_has  # noqa: PLC0415 - only where it is tested

        return somebody_has(address, link, self._cancel)

    def answers_ping(self, address: str, link: str) -> bool | None:
        argv = ["ping", "-n", "-q", "-c", "1", "-W", str(_PING_SECONDS), "-I", link, address]
        try:
            done = self._commands.run(argv, accept=(0, 1), timeout=_PING_SECONDS + 5)
        except PhotreeError:  # no ping here, or no way to the address
            self._cancel.check()
            return None
        return done.returncode == 0

    def knows_name(self, server: str, name: str) -> bool:
        from installer.dns_query import knows_name  # noqa: PLC0415

        return knows_name(server, name, self._cancel)

    def reach_repository(self, url: str) -> None:
        from engine.packages.repofiles import RepositoryConfig  # noqa: PLC0415
        from engine.packages.transport import Patience, Transport  # noqa: PLC0415 - requests

        patience = Patience(attempts=1, connect=5.0, read=5.0)
        with Transport(RepositoryConfig("test", ()), self._cancel, patience=patience) as transport:
            text = transport.read(f"{url.rstrip('/')}/config", limit=64 * 1024)
        if b"[core]" not in text:
            raise NetworkError(f"{url} answers, but is no OSTree repository.", "Check the path.")
