"""Colours: the terminal's own sixteen, so that its user's choice of them holds."""

from __future__ import annotations

from textual.theme import Theme

PHOTREE = Theme(
    name="photree",
    primary="ansi_blue",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    ansi=True,
    variables={
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
    },
)
