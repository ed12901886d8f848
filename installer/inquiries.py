"""The wizard's questions to the machine it runs on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cancel import CancelToken
from engine.command import Commands
from installer.branches import Branch, Offer, SigningKey, is_address
from installer.network_answers import Row
from installer.network_facts import Link, probe_links
from installer.network_test import Finding, LiveWire, examine
from installer.passwords import hash_password
from installer.plan import Secret, Source
from installer.probe import Machine, probe_machine
from installer.ssh_keys import fetch_keys
from installer.sticks import Stick, save_file, save_to_stick
from installer.time_zones import time_zones

if TYPE_CHECKING:
    from installer.installations import Installations

# not in the installation's workspace, which is another file system for the one that installs
_KEYS = Path("/run/photree/keys")


class MachineInquiries:
    """`installer.interview.Inquiries` of the real machine and network."""

    def __init__(self, commands: Commands) -> None:
        """commands: real ones, whatever the installation itself will be run with."""
        self._commands = commands

    def machine(self) -> Machine:
        return probe_machine(self._commands)

    def links(self) -> Sequence[Link]:
        return probe_links(self._commands)

    def hash_password(self, text: str) -> Secret:
        return hash_password(text, self._commands)

    def examine_network(
        self, rows: Sequence[Row], url: str, cancel: CancelToken
    ) -> Iterator[Finding]:
        return examine(rows, url, LiveWire(self._commands, cancel))

    def fetch_keys(self, url: str, cancel: CancelToken) -> Sequence[str]:
        return fetch_keys(url, cancel)

    def time_zones(self) -> Sequence[str]:
        return time_zones()

    def offered(self, url: str, cancel: CancelToken) -> Offer:
        from installer.custom_source import offered  # noqa: PLC0415 - loads libostree

        return offered(url, cancel)

    def measured(self, offer: Offer, cancel: CancelToken) -> Offer:
        from installer.custom_source import measured  # noqa: PLC0415

        return measured(offer, cancel)

    def verified(
        self, url: str, ref: str, key: Path | None, commit: str | None, cancel: CancelToken
    ) -> Branch:
        from installer.custom_source import verified  # noqa: PLC0415

        return verified(url, ref, key, cancel, commit=commit)

    def signing_key(self, place: str, cancel: CancelToken) -> SigningKey:
        from installer.custom_source import fetch_key, read_key  # noqa: PLC0415

        return fetch_key(place, _KEYS, cancel) if is_address(place) else read_key(Path(place))

    def measure_source(self, source: Source, cancel: CancelToken) -> Branch:
        from installer.source_size import measure_source  # noqa: PLC0415 - loads libostree

        return measure_source(source, cancel)

    def save_file(self, text: str, path: str) -> str:
        return save_file(text, path)

    def save_to_stick(self, text: str, stick: Stick, name: str) -> str:
        return save_to_stick(text, stick, name, self._commands)

    def restart(self, *, power_off: bool) -> None:
        self._commands.run(["systemctl", "poweroff" if power_off else "reboot"])

    @property
    def installations(self) -> Installations:
        from installer.installations import JobInstallations  # noqa: PLC0415 - loads jobs

        return JobInstallations()
