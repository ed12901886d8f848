"""A kickstart's document -> the plan of an installation, or every problem in the way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.command import Commands
from engine.document import Document
from engine.errors import PlanError, Problem
from engine.events import Emit, LogLine
from engine.validation import check, problems_in_order
from installer.kickstart.foreign import (
    refuse_other_programs,
    template_problem,
    texts,
    values_with_templates,
)
from installer.kickstart.host_keys import read_host, read_scripts
from installer.kickstart.migrate import migrate, missing_source
from installer.kickstart.network_keys import read_network
from installer.kickstart.reading import Facts, Reading
from installer.kickstart.refused import refuse
from installer.kickstart.schema import Kickstart
from installer.kickstart.source_keys import read_source
from installer.kickstart.storage_keys import read_storage
from installer.kickstart.variables import VERBATIM, all_names, promised_names, resolve
from installer.passwords import hash_password
from installer.plan import InstallPlan, Scripts, Secret, Source

_HINT = "Correct the kickstart; `photree-installer check` tells whether it is right."
_SCRIPTED = VERBATIM | {"preinstallscripts", "postinstallscripts"}


@dataclass(frozen=True)
class Outcome:
    """plan: None when there are problems, or things that are not known here and now (deferred).
    source: where the tree comes from, as soon as that is known."""

    plan: InstallPlan | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    scripts: Scripts = field(default_factory=Scripts)
    source: Source | None = None
    deferred: bool = False


def plan_from_kickstart(
    document: Document, facts: Facts, commands: Commands, emit: Emit
) -> InstallPlan:
    """The plan, with every default filled in; warnings go to emit.

    document: as `load_kickstart` reads it. commands: real ones, passwords are hashed by openssl.
    Raises PlanError with every problem, and CommandError.
    """
    outcome = read_plan(document, facts, lambda text: hash_password(text, commands))
    for warning in outcome.warnings:
        emit(LogLine(str(warning), level="warning"))
    if outcome.plan is None:
        raise PlanError(f"{document.name} cannot be installed.", outcome.problems, _HINT)
    return outcome.plan


def read_plan(document: Document, facts: Facts, hasher: Callable[[str], Secret]) -> Outcome:
    """Everything that is to be said about a kickstart, and the plan if it is good."""
    refuse_other_programs(document)
    moved = migrate(document)
    problems = [*moved.problems]
    unrendered = list(values_with_templates(moved.document, _SCRIPTED))
    problems += [template_problem(moved.document, path) for path in unrendered]
    resolved = resolve(moved.document, *_variables(moved.document, facts))
    document, refusals, _ = refuse(resolved.document)
    problems += [*resolved.problems, *refusals]
    unknown = [path for path in (*unrendered, *resolved.unknown) if document.has(path)]
    checked = check(document, Kickstart, unknown)
    problems += checked.problems
    if checked.value is None:
        return Outcome(None, problems_in_order(problems), tuple(moved.warnings))
    reading = Reading(checked, checked.value, facts, hasher, problems, moved.warnings)
    reading.deferred = resolved.deferred
    if not (moved.sourceless or checked.value.ostree or checked.doubts("ostree")):
        problems.append(missing_source(document))
    plan, scripts, source = _assemble(reading)
    found, warnings = problems_in_order(problems), problems_in_order(reading.warnings)
    plan = None if found else plan
    return Outcome(plan, found, warnings, scripts, source, reading.deferred)


def _assemble(reading: Reading) -> tuple[InstallPlan | None, Scripts, Source | None]:
    """The plan, None when something is missing for it; problems are noted in reading."""
    arch = _read_arch(reading)
    profile, source = read_source(reading, arch) or (None, None)
    storage = read_storage(reading, arch)
    network, scripts, host = read_network(reading), read_scripts(reading), read_host(reading)
    if profile is None or source is None or storage is None or reading.deferred:
        return None, scripts, source
    disk = storage.disks[0]
    real = disk.device is not None and not str(disk.device).startswith("/dev/loop")
    given = reading.keys.live
    live = real if given is None else given
    plan = InstallPlan(profile, source, storage, host, network, scripts, arch, live)
    return plan, scripts, source


def _read_arch(reading: Reading) -> str:
    wanted, here = reading.keys.arch, reading.facts.arch
    if wanted is not None and wanted != here and not reading.facts.elsewhere:
        hint = "install on a machine of this architecture"
        message = f"this machine is {here}, programs of an {wanted} tree cannot run here"
        reading.problem(("arch",), message, hint)
    return wanted or here


def _variables(document: Document, facts: Facts) -> tuple[dict[str, str], set[str]]:
    """The variables that have values, and the names of those that preinstall will export."""
    data = document.data if isinstance(document.data, dict) else {}
    given = data.get("environment")
    known = dict(given) if isinstance(given, dict) else {}
    known = {name: value for name, value in known.items() if isinstance(value, str)}
    if facts.variables is not None:
        return {**known, **facts.variables}, set()
    promised: set[str] = set()
    for text in _preinstall_texts(data, facts):
        # A script that is not on this machine may export whatever the kickstart needs
        promised |= all_names(data) if text is None else promised_names(text)
    return known, promised


def _preinstall_texts(data: dict[str, Any], facts: Facts) -> Iterator[str | None]:
    """The scripts that run first, None for one that is not here; other mistakes are reported
    elsewhere."""
    yield "\n".join(text for _, text in texts(data.get("preinstall")))
    search = [Path(), *(Path(text) for _, text in texts(data.get("search_path")))]
    items = data.get("preinstallscripts")
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            yield str(item.get("text", ""))
            continue
        paths = [(facts.folder or Path()) / folder / str(item) for folder in search]
        found = next((path for path in paths if path.is_file()), None)
        with contextlib.suppress(OSError, UnicodeDecodeError):
            yield found.read_text(encoding="utf-8") if found else None
