"""`photree-installer check`: everything that can be said about a kickstart without installing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.command import Commands
from engine.errors import PlanError, Problem
from engine.events import Emit
from engine.validation import problems_in_order
from installer.kickstart.load import load_kickstart
from installer.kickstart.online import RefsOf, fetch_refs_of, source_problems
from installer.kickstart.plan import read_plan
from installer.kickstart.reading import Facts
from installer.passwords import hash_password
from installer.plan import InstallPlan


@dataclass(frozen=True)
class CheckReport:
    """plan: None with problems, and when it depends on what only the installer will know (the
    media, variables of preinstall)."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    plan: InstallPlan | None


def check(
    source: str,
    *,
    arch: str,
    online: bool,
    media: Path | None,
    commands: Commands,
    emit: Emit,
    cancel: CancelToken,
    insecure: bool = False,
    refs_of: RefsOf | None = None,
) -> CheckReport:
    """Check a kickstart (a file or URL); nothing is written and none of its scripts is run.

    arch: of this machine, for kickstarts that name none. online: also whether a custom host's
    repository answers and has the branch, asked by refs_of (libostree if absent). Raises
    NetworkError when the kickstart cannot be fetched.
    """
    try:
        loaded = load_kickstart(source, emit, cancel, insecure=insecure)
        facts = Facts(arch, media, loaded.folder, elsewhere=True)
        outcome = read_plan(loaded.document, facts, lambda text: hash_password(text, commands))
    except PlanError as error:
        return CheckReport(error.problems, (), None)
    problems = list(outcome.problems)
    if online and outcome.source is not None:
        ask = refs_of or fetch_refs_of(cancel)
        problems += source_problems(loaded.document, outcome.source, ask)
    plan = None if problems else outcome.plan
    return CheckReport(problems_in_order(problems), outcome.warnings, plan)
