"""The choice of RPM repositories, with dnf's options."""

from __future__ import annotations

import argparse


def add_repository_choice(parser: argparse.ArgumentParser) -> None:
    """--enablerepo, --disablerepo and --repoid, each a list; also "a,b" in one, as dnf takes it."""
    texts = {
        "enablerepo": "also use this one, which is not enabled",
        "disablerepo": "do not use this one",
        "repoid": "use only this one",
    }
    for name, text in texts.items():
        parser.add_argument(
            f"--{name}",
            action="extend",
            type=_ids,
            default=[],
            metavar="ID",
            help=f"{text} (a glob; several times)",
        )


def _ids(text: str) -> list[str]:
    return [word for word in text.split(",") if word]
