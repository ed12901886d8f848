"""Scripts of a kickstart as executable text."""

from __future__ import annotations

from installer.plan import Script


def script_text(script: Script) -> str:
    """With a #! line and a final newline, so that the kernel can start it."""
    text = script.text if script.text.startswith("#!") else f"#!/bin/bash\n{script.text}"
    return text if text.endswith("\n") else f"{text}\n"
