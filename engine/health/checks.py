"""The health checks: programs in /etc/photree/health.d and /usr/lib/photree/health.d.

Each is run once, in the order of their names; exit code 0 says that all is well. As with units of
systemd, a file in /etc replaces one of the same name in /usr: a link to /dev/null switches it off.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.command import Commands
from engine.errors import CommandError

FOLDERS = (Path("usr/lib/photree/health.d"), Path("etc/photree/health.d"))  # the later one wins
_LEFTOVERS = ("~", ".rpmsave", ".rpmnew", ".rpmorig", ".swp", ".bak")


@dataclass(frozen=True)
class CheckResult:
    """message: why it failed, "" when it passed."""

    name: str
    passed: bool
    seconds: float
    message: str = ""


def find_checks(root: Path = Path("/")) -> tuple[Path, ...]:
    """The programs to run, in order. Files that are not executable are none."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        if (root / folder).is_dir():
            found |= {path.name: path for path in (root / folder).iterdir()}
    return tuple(found[name] for name in sorted(found) if _is_check(found[name]))


def run_checks(
    checks: Iterable[Path],
    commands: Commands,
    *,
    each: float,
    total: float,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[CheckResult, ...]:
    """All of them, also after one failed, as long as there is time. each, total: seconds.

    Raises Cancelled.
    """
    end = clock() + total
    return tuple(_run(check, commands, each, end, clock) for check in checks)


def first_failure(results: Sequence[CheckResult]) -> str:
    """ "check 10-web failed: exit code 1: no answer", or ""."""
    failed = next((result for result in results if not result.passed), None)
    return f"check {failed.name} failed: {failed.message}" if failed is not None else ""


def counted(results: Sequence[CheckResult]) -> str:
    """ "3 checks"."""
    return f"{len(results)} check{'' if len(results) == 1 else 's'}"


def _run(
    check: Path, commands: Commands, each: float, end: float, clock: Callable[[], float]
) -> CheckResult:
    begin = clock()
    if begin >= end:
        return CheckResult(check.name, False, 0.0, "the time for all checks was over before it")
    try:
        commands.run([str(check)], timeout=min(each, end - begin))
    except CommandError as error:
        message = error.message.removeprefix(f"{check} ").removeprefix("failed with ").rstrip(".")
        return CheckResult(check.name, False, clock() - begin, message)
    return CheckResult(check.name, True, clock() - begin)


def _is_check(path: Path) -> bool:
    hidden = path.name.startswith(".") or path.name.endswith(_LEFTOVERS)
    return not hidden and path.is_file() and os.access(path, os.X_OK)
