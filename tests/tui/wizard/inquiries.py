"""The wizard's questions, answered from recordings."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import NetworkError, OstreeError, PhotreeError
from installer.branches import Branch, Offer, SigningKey
from installer.network_answers import Row
from installer.network_facts import Link
from installer.network_test import Finding
from installer.plan import Secret, Source
from installer.probe import Machine, machine_from
from installer.replay import ReplayedInstallations
from installer.sticks import Stick, save_file

COMMIT = "c0ffee00" * 8
MACHINES = Path(__file__).parents[2] / "installer/machines"


def recorded_machine(name: str) -> Machine:
    """Of tests/installer/machines/NAME.json."""
    return machine_from(json.loads((MACHINES / f"{name}.json").read_text()))


@dataclass
class RecordedServer:
    """measured: None when its commits say nothing more."""

    offered: Offer
    measured: Offer | PhotreeError | None = None


class RecordedInquiries:
    """Answers with what its attributes hold; a test may change them, as the world may."""

    def __init__(self, machine: Machine | PhotreeError | None = None) -> None:
        self.now: Machine | PhotreeError = machine or recorded_machine("vm")
        self.cards: Sequence[Link] = ()
        self.findings: Sequence[Finding] = ()
        self.examined: tuple[Sequence[Row], str] | None = None
        self.keys: Sequence[str] | PhotreeError = ()
        self.servers: dict[str, RecordedServer | PhotreeError] = {}
        self.asked: list[str] = []
        self.signing_keys: dict[str, SigningKey | PhotreeError] = {}
        self.refusal: PhotreeError | None = None
        self.verifications: list[tuple[str, str, Path | None, str | None]] = []
        self.source: Branch | PhotreeError = Branch("", COMMIT, "5.0_minimal", size=123_000_000)
        self.saved: list[tuple[str, str]] = []
        self.restarts: list[str] = []
        self.installations = ReplayedInstallations(wait=lambda _seconds: None)
        self.zones: Sequence[str] = ("UTC", "America/New_York", "Europe/Berlin", "Europe/Dublin")

    def machine(self) -> Machine:
        if isinstance(self.now, PhotreeError):
            raise self.now
        return self.now

    def links(self) -> Sequence[Link]:
        return self.cards

    def hash_password(self, text: str) -> Secret:
        return Secret("$6$salt$" + "a" * 86)

    def examine_network(
        self, rows: Sequence[Row], url: str, cancel: CancelToken
    ) -> Iterator[Finding]:
        self.examined = (rows, url)
        for finding in self.findings:
            cancel.check()
            yield finding

    def fetch_keys(self, url: str, cancel: CancelToken) -> Sequence[str]:
        if isinstance(self.keys, PhotreeError):
            raise self.keys
        return self.keys

    def time_zones(self) -> Sequence[str]:
        return self.zones

    def offered(self, url: str, cancel: CancelToken) -> Offer:
        self.asked.append(url)
        return self._server(url).offered

    def measured(self, offer: Offer, cancel: CancelToken) -> Offer:
        found = self._server(offer.url).measured
        if isinstance(found, PhotreeError):
            raise found
        return found or offer

    def verified(
        self, url: str, ref: str, key: Path | None, commit: str | None, cancel: CancelToken
    ) -> Branch:
        self.verifications.append((url, ref, key, commit))
        if self.refusal is not None:
            raise self.refusal
        return self._server(url).offered.find(ref) or Branch(ref, "0" * 64)

    def signing_key(self, place: str, cancel: CancelToken) -> SigningKey:
        found = self.signing_keys.get(place, OstreeError(f"{place} does not exist."))
        if isinstance(found, PhotreeError):
            raise found
        return found

    def _server(self, url: str) -> "RecordedServer":
        found = self.servers.get(url, NetworkError(f"{url} is not known."))
        if isinstance(found, PhotreeError):
            raise found
        return found

    def measure_source(self, source: Source, cancel: CancelToken) -> Branch:
        if isinstance(self.source, PhotreeError):
            raise self.source
        return replace(self.source, ref=source.ref)

    def save_file(self, text: str, path: str) -> str:
        return save_file(text, path)

    def save_to_stick(self, text: str, stick: Stick, name: str) -> str:
        self.saved.append((stick.path, text))
        return f"{name} on {stick.path}"

    def restart(self, *, power_off: bool) -> None:
        self.restarts.append("off" if power_off else "restart")
