"""From where a kickstart is to its document, and to the plan: the whole way for a front end."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from engine.cancel import CancelToken
from engine.command import Commands
from engine.document import Document, parse_document
from engine.errors import PlanError
from engine.events import Emit
from installer.kickstart.fetch import LocalFile, fetch_text, parse_address
from installer.kickstart.foreign import anaconda_problem, template_problems
from installer.kickstart.online import RefsOf, source_problems
from installer.kickstart.plan import plan_from_kickstart, read_plan
from installer.kickstart.pre import run_preinstall
from installer.kickstart.reading import Facts
from installer.plan import InstallPlan, Secret


@dataclass(frozen=True)
class Loaded:
    """folder: where the kickstart's relative names are looked up; None for one from the network."""

    document: Document
    folder: Path | None


def load_kickstart(
    source: str, emit: Emit, cancel: CancelToken, *, insecure: bool = False
) -> Loaded:
    """Fetch and read; source as in `fetch.parse_address`. Raises NetworkError and PlanError."""
    address = parse_address(source, insecure=insecure)
    text = fetch_text(address, emit, cancel)
    folder = address.path.absolute().parent if isinstance(address, LocalFile) else None
    return Loaded(parse_kickstart(text, str(address)), folder)


def parse_kickstart(text: str, name: str) -> Document:
    """Read a kickstart's text; files of other programs are named as what they are."""
    try:
        document = parse_document(text, name)
    except PlanError:
        if problem := anaconda_problem(text, name):
            raise PlanError(f"{name} is no kickstart of ours.", [problem]) from None
        if problems := template_problems(text, name):
            raise PlanError(f"{name} is not ready.", problems) from None
        raise
    if not isinstance(document.data, dict) and (problem := anaconda_problem(text, name)):
        raise PlanError(f"{name} is no kickstart of ours.", [problem])
    return document


def plan_installation(
    loaded: Loaded,
    *,
    arch: str,
    media: Path | None,
    commands: Commands,
    emit: Emit,
    run_scripts: bool = True,
    refs_of: RefsOf | None = None,
) -> InstallPlan:
    """The plan of a kickstart. Everything that can be checked without the preinstall scripts is
    checked before they run; run_scripts False (a dry run) leaves their variables without values.

    commands: real ones. refs_of: asks a custom host's repository for its branches (`fetch_refs_of`
    of `kickstart.online`), so that it is known to answer before anything is written; None does not
    ask. Raises PlanError with every problem, CommandError, Cancelled.
    """
    facts = Facts(arch, media, loaded.folder, name_suffix=secrets.token_hex(6))
    outcome = read_plan(loaded.document, facts, lambda _text: Secret(""))
    if outcome.problems:
        raise PlanError(f"{loaded.document.name} has mistakes.", outcome.problems)
    variables: dict[str, str] = {}
    if run_scripts and outcome.scripts.pre:
        given = loaded.document.data.get("environment", {})
        variables = run_preinstall(outcome.scripts.pre, given, commands)
    facts = replace(facts, variables=variables)
    plan = plan_from_kickstart(loaded.document, facts, commands, emit)
    problems = source_problems(loaded.document, plan.source, refs_of) if refs_of else []
    if problems:
        raise PlanError(f"{loaded.document.name} cannot be installed.", problems)
    return plan
