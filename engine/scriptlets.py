"""Package scripts, run in the sandbox of the tree: which ones, in which order, and how they end.

As rpm-ostree does: every %pre before anything else, then %post, %posttrans and file triggers in
the order of the transaction; scripts for upgrades and removals (%preun, %postun, %pretrans) never;
package triggers are refused. What rpm passes in is passed in: $1, standard input, interpreter.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rpm

from engine.errors import CommandError, PackageError
from engine.events import Emit, LogLine
from engine.packages.rpmfile import RpmHeader
from engine.sandbox import SHARED, Sandbox

LUA = "<lua>"
SCRIPT_SECONDS = 600.0  # of one script: the slowest (modules for a kernel) take a minute or two
_LUA_PROGRAMS = ("usr/bin/rpmlua", "usr/lib/rpm/rpmlua")
# what librpm sets up for a script of its own interpreter; on one line, to keep line numbers
_LUA_START = (
    'arg = {{"<lua>", {argument}}}; rpm = rpm or {{}}; '
    'rpm.next_file = function() return io.read("l") end; '
)
_SHELL = "/bin/sh"
_SHELLS = ("usr/bin/sh", "bin/sh")
_DEFAULT_PRIORITY = 1000000
_SHOWN_LINES = 20
_MACROS, _QUERY_FORMAT = 1, 2  # rpm's RPMSCRIPT_FLAG_EXPAND, RPMSCRIPT_FLAG_QFORMAT


@dataclass(frozen=True)
class Scriptlet:
    """One script to run. kind: "%post" and so on. interpreter: program and arguments.

    body: None when the interpreter is all there is to run. argument: $1. files: for standard input.
    """

    package: str
    kind: str
    interpreter: tuple[str, ...]
    body: str | None
    argument: str
    files: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.kind} of {self.package}"


@dataclass(frozen=True)
class Outcome:
    """How a script ended. output: standard output and error."""

    scriptlet: Scriptlet
    exit_code: int
    output: str
    seconds: float


def pre_scriptlets(packages: Sequence[RpmHeader]) -> list[Scriptlet]:
    """Every %pre, in the order of packages."""
    return [script for package in packages for script in _own(package, "%pre", "PREIN")]


def post_scriptlets(
    packages: Sequence[RpmHeader], base: Sequence[RpmHeader] = ()
) -> list[Scriptlet]:
    """Every %post, then every %filetriggerin, %posttrans and %transfiletriggerin.

    base: the packages that are there already: their triggers see the new files, and the new
    packages' triggers see theirs.
    """
    files = _files_of(packages)
    return [
        *(script for package in packages for script in _own(package, "%post", "POSTIN")),
        *_file_triggers(packages, base, files, "%filetriggerin", "FILETRIGGER"),
        *(script for package in packages for script in _own(package, "%posttrans", "POSTTRANS")),
        *_file_triggers(packages, base, files, "%transfiletriggerin", "TRANSFILETRIGGER"),
    ]


def refuse_unsupported(packages: Sequence[RpmHeader]) -> None:
    """Raises PackageError naming every package with a script that cannot be run."""
    found = []
    installing = rpm.RPMSENSE_TRIGGERIN | getattr(rpm, "RPMSENSE_TRIGGERPREIN", 1 << 25)
    for package in packages:
        if any(flags & installing for flags in package.header[rpm.RPMTAG_TRIGGERFLAGS] or ()):
            found.append(f"%triggerin of {package.nevra}")
    if found:
        raise PackageError(
            f"Package scripts that are not supported: {', '.join(found)}.",
            "Leave the packages out, or use builds without these scripts.",
        )


def run_scriptlets(
    scripts: Sequence[Scriptlet],
    sandbox: Sandbox,
    folder: Path,
    emit: Emit,
    *,
    limit: float = SCRIPT_SECONDS,
) -> list[Outcome]:
    """Run scripts one after the other in one sandbox; folder: an empty directory for their files.

    limit: seconds that one of them may take. Raises PackageError with the output of the first that
    fails or is ended for its time, naming its package.
    """
    if not scripts:
        return []
    _require(scripts[0], sandbox, _SHELLS, "a shell")
    for number, script in enumerate(scripts):
        start = ""
        if script.interpreter[0] == LUA:
            _require(script, sandbox, _LUA_PROGRAMS, "rpm's Lua interpreter (rpmlua)")
            start = _LUA_START.format(argument=script.argument)
        _write(folder / f"{number}.script", start + (script.body or ""), 0o700)
        _write(folder / f"{number}.files", "".join(f"{path}\n" for path in script.files), 0o600)
    lua = next((path for path in _LUA_PROGRAMS if sandbox.tree.exists(path)), "")
    _write(folder / "run", _driver(scripts, f"/{lua}"), 0o700)
    command = [_SHELL, str(SHARED / "run")]
    timing = _Timing(scripts, folder, limit)
    try:
        result = sandbox.run(command, shared=folder, accept=range(256), watch=timing.check)
    finally:  # what was said before one of them was ended is told, too
        outcomes = list(_outcomes(scripts, folder))
        for outcome in outcomes:
            emit(LogLine(f"{outcome.scriptlet.title}: {outcome.seconds:.2f} s", level="debug"))
            _tell(outcome.scriptlet, outcome.output, emit)
        if timing.overdue is not None:
            _tell(timing.overdue, timing.output, emit)
    _raise_failure(scripts, outcomes, result.returncode, result.stderr)
    return outcomes


class _Timing:
    """Looks how long the scripts take, while they run. overdue: the one that took too long, when
    there is one; output: what it said until then."""

    def __init__(self, scripts: Sequence[Scriptlet], folder: Path, limit: float) -> None:
        self.overdue: Scriptlet | None = None
        self.output = ""
        self._scripts = scripts
        self._folder = folder
        self._limit = limit
        self._number = 0
        self._began = time.monotonic()

    def check(self) -> None:
        """Raises PackageError when the time of the script that runs is over."""
        now = time.monotonic()
        while (self._folder / f"{self._number}.code").exists():
            self._number += 1
            self._began = now
        if self._number == len(self._scripts) or now < self._began + self._limit:
            return
        self.overdue = self._scripts[self._number]
        output = self._folder / f"{self._number}.output"
        self.output = output.read_text(errors="replace") if output.exists() else ""
        raise _failure(
            f"{self.overdue.title} did not end within {self._limit:g} s",
            "The package's script may wait for something that is not there while a tree is made.",
            self.output,
        )


def _tell(script: Scriptlet, output: str, emit: Emit) -> None:
    for line in output.splitlines():
        emit(LogLine(f"{script.title}: {line}", level="info"))


def _failure(what: str, hint: str, output: str) -> PackageError:
    lines = output.strip().splitlines()
    return PackageError(
        what + (f": {lines[-1].strip()}" if lines else ", and wrote nothing."),
        hint,
        "\n".join(lines[-_SHOWN_LINES:]),
    )


def _own(package: RpmHeader, kind: str, tag: str) -> Iterator[Scriptlet]:
    header = package.header
    program = header[getattr(rpm, f"RPMTAG_{tag}PROG")]
    body = header[getattr(rpm, f"RPMTAG_{tag}")]
    if not program and not body:
        return
    interpreter = (program,) if isinstance(program, str) else tuple(program or (_SHELL,))
    flags = header[getattr(rpm, f"RPMTAG_{tag}FLAGS")] or 0
    yield Scriptlet(package.nevra, kind, interpreter, _expanded(package, body, flags), "1")


def _expanded(package: RpmHeader, body: str | None, flags: int) -> str | None:
    """The body after the expansions that `%post -e` and `%post -q` ask for."""
    if body is None:
        return None
    if flags & _MACROS:
        body = str(rpm.expandMacro(body))
    if flags & _QUERY_FORMAT:
        body = str(package.header.sprintf(body))
    return body


def _files_of(packages: Sequence[RpmHeader]) -> list[str]:
    return [entry.path for package in packages for entry in package.files() if not entry.is_ghost]


def _file_triggers(
    packages: Sequence[RpmHeader],
    base: Sequence[RpmHeader],
    files: Sequence[str],
    kind: str,
    tag: str,
) -> Iterator[Scriptlet]:
    """Triggers that match a file; higher priorities first, then by order."""
    name = getattr(rpm, f"RPMTAG_{tag}NAME")
    found = [each for package in base for each in _triggers_of(package, files, kind, tag)]
    if any(package.header[name] for package in packages):
        every = [*_files_of(base), *files]
        found += [each for package in packages for each in _triggers_of(package, every, kind, tag)]
    found.sort(key=lambda item: item[0])
    yield from (script for _priority, script in found)


def _triggers_of(
    package: RpmHeader, files: Sequence[str], kind: str, tag: str
) -> Iterator[tuple[int, Scriptlet]]:
    """A package's triggers that match, each with its rank."""
    values = {
        field: _listed(package.header[getattr(rpm, f"RPMTAG_{tag}{field}")])
        for field in ("NAME", "INDEX", "FLAGS", "SCRIPTS", "SCRIPTPROG", "PRIORITIES")
    }
    for index, body in enumerate(values["SCRIPTS"]):
        prefixes = tuple(
            name
            for name, of, flags in zip(
                values["NAME"], values["INDEX"], values["FLAGS"], strict=True
            )
            if of == index and flags & rpm.RPMSENSE_TRIGGERIN
        )
        matching = tuple(path for path in files if prefixes and path.startswith(prefixes))
        if matching:
            priorities = values["PRIORITIES"]
            priority = priorities[index] if index < len(priorities) else _DEFAULT_PRIORITY
            program = (values["SCRIPTPROG"][index],)
            yield -priority, Scriptlet(package.nevra, kind, program, body, "0", matching)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _driver(scripts: Sequence[Scriptlet], lua: str) -> str:
    """A shell program that runs the scripts and stops at the first that fails. lua: the program
    for those in Lua."""
    lines = [
        "umask 022",
        "ended() {",
        f'    echo "$2" >{SHARED}/"$1".code',
        '    [ "$2" = 0 ] || exit 1',
        "}",
    ]
    for number, script in enumerate(scripts):
        place = f"{SHARED}/{number}"
        command = list(script.interpreter)
        if command[0] == LUA:
            command = [lua, f"{place}.script"]
        elif script.body is not None:
            command += [f"{place}.script", script.argument]
        lines += [
            f"echo {shlex.quote(script.title)}",
            f"{shlex.join(command)} <{place}.files >{place}.output 2>&1",
            f"ended {number} $?",
        ]
    return "\n".join([*lines, ""])


def _outcomes(scripts: Sequence[Scriptlet], folder: Path) -> Iterator[Outcome]:
    before = (folder / "run").stat().st_mtime
    for number, script in enumerate(scripts):
        code = folder / f"{number}.code"
        if not code.exists():
            return
        ended = code.stat().st_mtime
        output = (folder / f"{number}.output").read_text(errors="replace")
        yield Outcome(script, int(code.read_text()), output, ended - before)
        before = ended


def _raise_failure(
    scripts: Sequence[Scriptlet], outcomes: Sequence[Outcome], driver_code: int, stderr: str
) -> None:
    failed = next((outcome for outcome in outcomes if outcome.exit_code != 0), None)
    if failed is not None:
        raise _failure(
            f"{failed.scriptlet.title} failed with exit code {failed.exit_code}",
            "The package's script is wrong, or needs a package that is not in the tree.",
            failed.output,
        )
    if driver_code != 0 or len(outcomes) != len(scripts):
        following = scripts[len(outcomes)].title if len(outcomes) < len(scripts) else "the last"
        raise CommandError(
            f"The sandbox for package scripts ended early, at {following}: "
            f"{stderr.strip() or f'exit code {driver_code}'}.",
            detail=stderr,
        )


def _require(script: Scriptlet, sandbox: Sandbox, paths: Sequence[str], what: str) -> None:
    if not any(sandbox.tree.exists(path) for path in paths):
        raise PackageError(
            f"{script.title} needs {what}, and the tree has none.",
            f"Add a package that has /{paths[0]}.",
        )


def _write(path: Path, text: str, mode: int) -> None:
    path.write_text(text)
    path.chmod(mode)
