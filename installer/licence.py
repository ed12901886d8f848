"""The licence that is to be accepted."""

from __future__ import annotations

import contextlib
from pathlib import Path

from engine.errors import PhotreeError

_NAMES = ("LICENSE", "EULA", "licence.txt", "license.txt", "EULA.txt", "open_source_license.txt")
_MOST = 512 * 1024  # bytes
_WITHOUT = (
    "Photon OS is free software. Each of its packages has its own licence, in"
    " /usr/share/licenses of the installed machine. It comes without any warranty."
)


def licence_text(given: Path | None, media: Path | None) -> str:
    """Of the file that was given, else of the medium's, else one sentence.

    Raises PhotreeError when the file that was given cannot be read.
    """
    if given is not None:
        try:
            return _read(given)
        except OSError as error:
            message = f"The licence {given} cannot be read: {error.strerror}."
            raise PhotreeError(message, "Correct --licence, or leave it out.") from error
    for name in _NAMES:
        with contextlib.suppress(OSError):
            if media is not None:
                return _read(media / name)
    return _WITHOUT


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(_MOST).strip()
