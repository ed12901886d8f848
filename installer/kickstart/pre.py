"""preinstall: scripts that run in the installer before planning and may export variables."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.command import ENVIRONMENT, Commands
from engine.errors import CommandError
from installer.plan import Script

_SHELLS = ("sh", "bash", "dash")
_DUMP = "PHOTREE_EXPORTS"
# Of the shell itself, not of the script
_SHELLS_OWN = frozenset({_DUMP, "_", "SHLVL", "PWD", "OLDPWD", "BASHOPTS", "SHELLOPTS"})
# The trap works for scripts that end by `exit`, and keeps their exit code
_WRAPPER = f'trap \'env -0 > "${_DUMP}"\' EXIT\n. "$0"\n'


def run_preinstall(
    scripts: Sequence[Script], environment: Mapping[str, str], commands: Commands
) -> dict[str, str]:
    """Run the scripts in order; the variables they exported, each seen by those that follow.

    Only shell scripts can export. Raises CommandError with the script's output when one fails.
    """
    exported: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="photree-preinstall-") as name:
        for script in scripts:
            given = {**environment, **exported}
            exported |= _run(script, Path(name), given, commands)
    return exported


def interpreter(text: str) -> list[str]:
    """The command of a script's first line, /bin/bash without one."""
    first = text.split("\n", 1)[0]
    words = first[2:].split(None, 1) if first.startswith("#!") else []
    return [word.strip() for word in words] or ["/bin/bash"]


def _run(
    script: Script, folder: Path, given: Mapping[str, str], commands: Commands
) -> dict[str, str]:
    file, dump = folder / "script", folder / "exports"
    file.write_text(script.text, encoding="utf-8")
    dump.write_bytes(b"")
    command = interpreter(script.text)
    program = command[-1] if command[0] == "/usr/bin/env" else command[0]
    shell = Path(program).name in _SHELLS
    argv = [*command, "-c", _WRAPPER, str(file)] if shell else [*command, str(file)]
    try:
        commands.run(argv, env={**given, _DUMP: str(dump)}, cwd=folder)
    except CommandError as error:
        hint = "Nothing was written. Correct the script in the kickstart."
        message = f"The {script.name} script failed: {error.message}"
        raise CommandError(message, hint, error.detail) from error
    before = {**ENVIRONMENT, **given}
    lines = dump.read_bytes().decode(errors="replace").split("\0")
    after = dict(line.split("=", 1) for line in lines if "=" in line)
    return {
        name: value
        for name, value in after.items()
        if name not in _SHELLS_OWN and before.get(name) != value
    }
