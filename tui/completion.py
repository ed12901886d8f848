"""What a shell may complete a command line with: `photree __complete WORDS...`.

The verbs and options are those of the parsers themselves. Values are read from files, without
libostree: an answer has to be there before the next key. Nothing is ever written.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tui.cli import VERBS, find_verb, verb_parser
from tui.package_names import PackageNames, text_of

_REMOTE = re.compile(r'^\[remote "(.+)"\]$', re.MULTILINE)
_OWN_REFS = ("ostree/", "rpmostree/")  # how deployments and packages are kept: nobody types those
_ENDLESS = ("*", "+", argparse.REMAINDER)


def complete(words: Sequence[str]) -> int:
    """words: those after `photree`, the last one is to be completed (it may be empty). Prints a
    candidate a line: the whole word, and after a tab what it means."""
    for word, meaning in candidates(words):
        sys.stdout.write(f"{word}\t{meaning}".strip() + "\n")
    return 0


def candidates(words: Sequence[str]) -> list[tuple[str, str]]:
    """(word, meaning) of everything that the last one of words may become."""
    *before, current = words or ("",)
    verb = find_verb(before)
    if verb is None:
        found = _verbs(tuple(before), current)
    else:
        given = before[len(verb) :]
        values = Values(_sysroot(given))
        found = _Line(verb_parser(verb), given, values).next(current)
    return [each for each in dict(found).items() if each[0].startswith(current)]


def _verbs(before: tuple[str, ...], current: str) -> Iterator[tuple[str, str]]:
    if not before and current.startswith("-"):
        yield from (("--help", "show this help and exit"), ("--version", "show the version"))
    for verb, (_module, summary) in VERBS.items():
        if verb[: len(before)] == before and len(verb) > len(before):
            yield verb[len(before)], summary if len(verb) == len(before) + 1 else ""


class _Line:
    """The words after a verb, as its parser would take them."""

    def __init__(
        self, parser: argparse.ArgumentParser, words: Sequence[str], values: Values
    ) -> None:
        self._parser = parser
        self._values = values
        self._options = {
            text: action for action in parser._actions for text in action.option_strings
        }
        self._used: set[str] = set()
        self._open: argparse.Action | None = None  # an option whose value comes next
        self._positionals = 0
        for word in words:
            self._take(word)

    def next(self, current: str) -> Iterator[tuple[str, str]]:
        option, equals, _value = current.partition("=")
        positional = self._positional()
        if self._open is not None:
            yield from ((value, "") for value in self._values.of(self._open))
        elif equals and option in self._options:
            for value in self._values.of(self._options[option]):
                yield f"{option}={value}", ""
        elif current.startswith("-") or positional is None:
            yield from self._unused_options()
        else:
            yield from ((value, "") for value in self._values.of(positional))

    def _take(self, word: str) -> None:
        if self._open is not None:
            self._open = None
        elif word.startswith("-") and word != "-":
            name, equals, _value = word.partition("=")
            action = self._options.get(name)
            if action is not None:
                self._used.add(action.dest)
                self._open = action if action.nargs != 0 and not equals else None
        else:
            self._positionals += 1

    def _positional(self) -> argparse.Action | None:
        """The one that comes next."""
        left = self._positionals
        for action in self._parser._actions:
            if not action.option_strings:
                width = action.nargs if isinstance(action.nargs, int) else 1
                if left < width or action.nargs in _ENDLESS:
                    return action
                left -= width
        return None

    def _unused_options(self) -> Iterator[tuple[str, str]]:
        for action in self._parser._actions:
            repeated = isinstance(action.default, list) or action.dest not in self._used
            if action.option_strings and repeated and action.help != argparse.SUPPRESS:
                long = [text for text in action.option_strings if text.startswith("--")]
                for text in long or action.option_strings:
                    yield text, _one_line(action.help or "", self._parser.prog, action)


class Values:
    """What is there in a system root, as far as files tell."""

    def __init__(self, sysroot: Path) -> None:
        self._sysroot = sysroot
        packages = PackageNames(sysroot)
        self._sources: dict[str, Callable[[], list[str]]] = {
            **dict.fromkeys(("REF", "REFSPEC", "BRANCH"), self.refs),
            **dict.fromkeys(("REV", "REVISION", "FROM_REV", "TO_REV", "OLD", "NEW"), self.refs),
            "REMOTE": self.remotes,
            "INDEX": self.indices,
            "deploy_index": self.indices,
            "stateroot": self.stateroots,
            "uninstall": packages.layered,
            "override_remove": packages.base,
            "override_reset": packages.overridden,
        }

    def of(self, action: argparse.Action) -> list[str]:
        """By the action's choices, its destination, or the name of its value in the help."""
        if action.choices is not None:
            return [str(choice) for choice in action.choices]
        for name in (action.dest, action.metavar):
            if isinstance(name, str) and name in self._sources:
                return self._sources[name]()
        return []

    def refs(self) -> list[str]:
        """Local ones, and "remote:ref" of those that were pulled."""
        refs = self._sysroot / "ostree/repo/refs"
        local = [ref for ref in _files(refs / "heads") if not ref.startswith(_OWN_REFS)]
        return sorted(local + [ref.replace("/", ":", 1) for ref in _files(refs / "remotes")])

    def remotes(self) -> list[str]:
        """Of the repository's own configuration, and of the files next to it."""
        files = [
            self._sysroot / "ostree/repo/config",
            *self._sysroot.glob("etc/ostree/remotes.d/*.conf"),
        ]
        found = [name for file in files for name in _REMOTE.findall(text_of(file))]
        return sorted(set(found))

    def indices(self) -> list[str]:
        """Of the deployments that have a boot entry."""
        entries = list(self._sysroot.glob("boot/loader/entries/ostree-*.conf"))
        return [str(index) for index in range(len(entries))]

    def stateroots(self) -> list[str]:
        return sorted(each.name for each in self._sysroot.glob("ostree/deploy/*"))


def _one_line(text: str, prog: str, action: argparse.Action) -> str:
    """A help text as the parser shows it."""
    return " ".join((text % {**vars(action), "prog": prog}).split())


def _sysroot(words: Sequence[str]) -> Path:
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word == "--sysroot" and following:
            return Path(following)
        if word.startswith("--sysroot="):
            return Path(word.partition("=")[2])
    return Path("/")


def _files(folder: Path) -> list[str]:
    return [str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()]
