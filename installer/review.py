"""What is to be read, and to be said, before an installation starts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cancel import CancelToken
from engine.errors import Cancelled, PhotreeError
from installer.branches import Branch
from installer.draft import Assessment, Draft, Key, Remark, section_of
from installer.plan import InstallPlan
from installer.probe import Machine

if TYPE_CHECKING:  # load pydantic and jobs, which the first frame need not wait for
    from installer.install import Install
    from installer.interview import Session

_DEFERRED = Remark(
    (),
    "The answers depend on variables that preinstall scripts export: only an installation without"
    " questions runs those",
    "give the kickstart without --interactive",
)


@dataclass(frozen=True)
class Review:
    """lines: of the plan, empty when there is none. install: what would be started, None while
    something stands against it. word: what a person has to type for that. unknown: keys that
    nobody asks for, and which are wrong."""

    lines: tuple[str, ...] = ()
    problems: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()
    install: Install | None = None
    word: str = ""
    lost: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def kickstart(self) -> str:
        """The equivalent one, "" while there is no plan. It has password hashes."""
        return self.install.kickstart if self.install else ""


def review(session: Session, draft: Draft, cancel: CancelToken) -> Review:
    """Look at everything once more. Takes its time: it asks the machine, and the source.

    Raises PlanError for what is no kickstart at all, CommandError, Cancelled.
    """
    assessment = session.assess(draft)
    plan = assessment.outcome.plan
    if plan is None:
        problems = assessment.problems or (_DEFERRED,)
        return Review((), problems, assessment.warnings, unknown=_unknown(problems))
    machine = session.machine = session.inquiries.machine()
    return _of_plan(session, plan, machine, assessment, cancel)


def _of_plan(
    session: Session,
    plan: InstallPlan,
    machine: Machine,
    assessment: Assessment,
    cancel: CancelToken,
) -> Review:
    from installer.describe import destroyed, review_plan  # noqa: PLC0415 - needed here only
    from installer.install import Install  # noqa: PLC0415 - loads pydantic
    from installer.storage.refusals import refusals  # noqa: PLC0415

    warnings = list(assessment.warnings)
    problems = [Remark(("disk",), str(each)) for each in refusals(plan, machine)]
    tree: Branch | None = None
    try:
        tree = session.inquiries.measure_source(plan.source, cancel)
    except Cancelled:
        raise
    except PhotreeError as error:
        remark = Remark(("ostree",), error.message, error.hint)
        (warnings if session.dry else problems).append(remark)
    return Review(
        tuple(review_plan(plan, machine, tree)),
        tuple(problems),
        tuple(warnings),
        None if problems else Install.of(plan, session.media),
        confirmation_word(plan, machine),
        tuple(destroyed(plan, machine)),
    )


def confirmation_word(plan: InstallPlan, machine: Machine) -> str:
    """The names of the disks that are wiped, such as "sda"; "yes" for images."""
    disks = [disk for disk in plan.storage.disks if disk.device is not None]
    return " ".join(Path(machine.resolve(disk.name)).name for disk in disks) or "yes"


def without_secrets(kickstart: str) -> str:
    """A kickstart's text to be looked at: hashes are not for the screen."""

    def shown(value: Any, key: Key = "") -> Any:
        if isinstance(value, dict):
            secret = value.get("crypted") is True
            return {k: "***" if secret and k == "text" else shown(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [shown(each) for each in value]
        return "***" if key == "shadow_password" else value

    return json.dumps(shown(json.loads(kickstart)), indent=4, ensure_ascii=False)


def _unknown(problems: Iterable[Remark]) -> tuple[str, ...]:
    """Keys of the top that no section asks for, and that have a problem."""
    keys = (str(each.path[0]) for each in problems if each.path and not section_of(each.path))
    return tuple(dict.fromkeys(keys))
