"""What is known of the deployments' health: /var/lib/photree/health.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.health.checks import CheckResult, first_failure
from engine.state_file import FOLDER, read_state, write_state

FILE = FOLDER / "health.json"
_FAILURES_KEPT = 10


@dataclass(frozen=True)
class Verdict:
    """Of the last time a deployment was looked at. trusted: it was healthy once, or is what the
    machine went back to: it is never gone back from."""

    healthy: bool
    time: str
    checks: tuple[CheckResult, ...] = ()
    trusted: bool = False


@dataclass(frozen=True)
class Fallback:
    """The machine went back from one deployment to another. failed, target: their ids. commit: the
    base commit of the failed one. reason: a clause, as "check 10-web failed: no answer"."""

    failed: str
    version: str
    commit: str
    target: str
    reason: str
    time: str


@dataclass(frozen=True)
class HealthRecord:
    """verdicts: by deployment. fallback: the last one, until a later deployment is healthy.
    failures: the newest fallbacks, the last one first; they outlive their deployments."""

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    fallback: Fallback | None = None
    failures: tuple[Fallback, ...] = ()

    def trusts(self, deployment: str) -> bool:
        return deployment in self.verdicts and self.verdicts[deployment].trusted

    def failure_of(self, commit: str) -> Fallback | None:
        """How a base commit failed when this machine went back from it, None for any other."""
        return next((each for each in self.failures if each.commit == commit), None)

    def judged(
        self, deployment: str, commit: str, checks: tuple[CheckResult, ...], time: str
    ) -> HealthRecord:
        """After the checks of a deployment that is not gone back from. commit: its base commit."""
        healthy = not first_failure(checks)
        known = self.trusts(deployment)
        verdict = Verdict(healthy, time, checks, healthy or known)
        return HealthRecord(
            {**self.verdicts, deployment: verdict},
            None if healthy and not known else self.fallback,
            tuple(each for each in self.failures if not healthy or each.commit != commit),
        )

    def fell_back(self, fallback: Fallback, checks: tuple[CheckResult, ...]) -> HealthRecord:
        verdicts = dict(self.verdicts)
        verdicts[fallback.failed] = Verdict(False, fallback.time, checks)
        before = verdicts.get(fallback.target, Verdict(True, fallback.time))
        verdicts[fallback.target] = replace(before, trusted=True)
        others = (each for each in self.failures if each.failed != fallback.failed)
        failures = (fallback, *others)[:_FAILURES_KEPT]
        return HealthRecord(verdicts, fallback, failures)

    def only(self, deployments: Iterable[str]) -> HealthRecord:
        """Without the verdicts of deployments that are gone."""
        kept = set(deployments)
        return replace(
            self, verdicts={name: each for name, each in self.verdicts.items() if name in kept}
        )


def read_health(root: Path = Path("/")) -> HealthRecord:
    """root: the directory that has the system's /var. Empty when nothing is known."""
    values = read_state(root / FILE)
    try:
        return HealthRecord(
            {name: _verdict(each) for name, each in values["verdicts"].items()},
            None if values["fallback"] is None else Fallback(**values["fallback"]),
            tuple(Fallback(**each) for each in values["failures"]),
        )
    except (KeyError, TypeError, AttributeError):
        return HealthRecord()


def write_health(record: HealthRecord, root: Path = Path("/")) -> None:
    """Raises StorageError."""
    write_state(root / FILE, asdict(record))


def _verdict(values: Mapping[str, Any]) -> Verdict:
    checks = tuple(CheckResult(**each) for each in values["checks"])
    return Verdict(bool(values["healthy"]), str(values["time"]), checks, bool(values["trusted"]))
