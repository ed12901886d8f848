"""A deployment's health, as status shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.health.checks import CheckResult, counted, first_failure
from engine.health.record import Fallback, HealthRecord


@dataclass(frozen=True)
class Health:
    """Of the running deployment. healthy: None before its checks ran, "" for time then.
    fallback: the machine runs it because another one failed."""

    healthy: bool | None
    time: str
    checks: tuple[CheckResult, ...] = ()
    fallback: Fallback | None = None


def health_of(record: HealthRecord, deployment: str) -> Health | None:
    """None when nothing is known of the deployment with this id."""
    verdict = record.verdicts.get(deployment)
    if verdict is None:
        return None
    fallback = record.fallback
    if fallback is not None and fallback.target != deployment:
        fallback = None
    return Health(verdict.healthy, verdict.time, verdict.checks, fallback)


def health_lines(health: Health) -> Iterator[str]:
    """ "Health: healthy (3 checks, 2026-11-28T05:00:00Z)"; what it went back from before that."""
    fallback = health.fallback
    if fallback is not None:
        yield f"Health: fell back from {fallback.version} ({fallback.reason}; {fallback.time})"
    reason = first_failure(health.checks)
    if reason:
        yield f"Health: not healthy ({reason}; {health.time})"
    elif fallback is None:
        yield f"Health: healthy ({counted(health.checks)}, {health.time})"
