"""A shell in the place of the screens, until it is left."""

from __future__ import annotations

import os
from typing import Any

from textual.app import App, SuspendNotSupported

from engine.command import run_on_terminal
from engine.errors import CommandError

_GREETING = "\nThis is a shell of the installer. `exit` comes back to its screens.\n\n"


def open_shell(app: App[Any]) -> str:
    """Returns when the shell was left: "", or why there was none."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    try:
        with app.suspend():
            os.write(1, _GREETING.encode())
            run_on_terminal([shell])
    except SuspendNotSupported:
        return "This terminal cannot show a shell. Use another console."
    except CommandError as error:
        return str(error)
    return ""
