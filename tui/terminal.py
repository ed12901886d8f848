"""What the terminal can show, decided once before the screens start."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from engine.errors import PhotreeError

COLUMNS, LINES = 80, 24
# Terminals of which no more is known than what a VT220 does: the kernel's console, serial lines
_PLAIN = frozenset({"linux", "vt100", "vt102", "vt220", "ansi", "cons25"})
# Textual reads them when it is imported. Kitty's keyboard protocol is asked for with a sequence
# that plain terminals may show; animations are bytes that a serial line does not have.
_SETTINGS = {"TEXTUAL_DISABLE_KITTY_KEY": "1", "TEXTUAL_ANIMATIONS": "none"}


@dataclass(frozen=True)
class Terminal:
    """plain: ASCII, 16 colours, no queries, no mouse."""

    name: str
    plain: bool


def prepare(environment: MutableMapping[str, str], *, interactive: bool) -> Terminal:
    """The terminal of the standard streams; sets what Textual must find when it is imported.

    interactive: whether input and output are a terminal. Raises PhotreeError where no screen can
    be shown.
    """
    name = environment.get("TERM", "")
    if not interactive:
        raise PhotreeError(
            "The menus need a terminal.", "Give --kickstart for an installation without questions."
        )
    if name in ("", "dumb", "unknown"):
        raise PhotreeError(
            f"The terminal type {name or '(none)'} cannot show menus.",
            "Set TERM to what the terminal is: TERM=vt220 on a serial line, TERM=linux at the"
            " console; or give --kickstart.",
        )
    for stale in ("COLUMNS", "LINES"):  # of the shell that was started with another size
        environment.pop(stale, None)
    plain = is_plain(name, environment)
    if plain:
        environment.update(_SETTINGS)
    return Terminal(name, plain)


def is_plain(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the terminal gets ASCII only: by its type, or because the locale is not UTF-8."""
    if name.partition("-")[0] in _PLAIN:
        return True
    locale = next(
        (environment[key] for key in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(key)), ""
    )
    return "utf" not in locale.lower()


def size_of(descriptor: int) -> tuple[int, int]:
    """Columns and lines; those of a VT220 for a line that does not tell (serial lines say 0)."""
    try:
        found = os.get_terminal_size(descriptor)
    except OSError:
        return COLUMNS, LINES
    return found.columns or COLUMNS, found.lines or LINES
