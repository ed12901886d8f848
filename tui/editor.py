"""The user's own editor on a text."""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path

from engine.command import run_on_terminal
from engine.errors import PhotreeError


def edited_text(text: str) -> str:
    """text as the user leaves it, without lines that begin with "#".

    The editor is $VISUAL, $EDITOR or vi. Raises PhotreeError when it cannot be run or fails.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="photree-edit-") as folder:
        file = Path(folder, "text")
        file.write_text(text)
        code = run_on_terminal([*shlex.split(editor), str(file)])
        if code != 0:
            raise PhotreeError(
                f"The editor {editor} ended with exit code {code}: nothing was changed.",
                "Set $EDITOR to one that is installed.",
            )
        lines = file.read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))
