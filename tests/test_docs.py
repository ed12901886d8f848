"""Every command that the pages of docs/ show is one that photree understands."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from tui.cli import find_verb, verb_parser

DOCS = Path(__file__).resolve().parent.parent / "docs"


def shown() -> list[str]:
    """The `photree` commands in the shell blocks of all pages, without their comments."""
    found = []
    for page in sorted(DOCS.glob("*.md")):
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            lines = [line.split(" #")[0].strip() for line in block.splitlines()]
            found += [line for line in lines if line.startswith("photree ")]
    return found


@pytest.mark.parametrize("command", shown())
def test_a_command_of_the_docs_is_understood(command: str) -> None:
    words = shlex.split(command)[1:]
    verb = find_verb(words)
    assert verb is not None, command
    options = verb_parser(verb).parse_args(words[len(verb) :])
    assert isinstance(options, argparse.Namespace)


def test_there_is_something_to_understand() -> None:
    assert len(shown()) > 20


def test_links_of_the_docs_lead_to_files() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (DOCS / target).exists(), f"{page.name}: {target}"
