"""/etc/photree.conf: automatic updates and health checks, as the administrator wants them.

A key file as systemd's and rpm-ostree's: sections, Key=value, comments that begin with # or ;. What
it does not say of the policy, /etc/rpm-ostreed.conf may say. Every mistake is found at once, with
its line; a file with mistakes means no automatic update at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.errors import PlanError, Problem
from engine.packages.nearby import meant
from engine.updates.window import Window

OURS, RPM_OSTREES = Path("etc/photree.conf"), Path("etc/rpm-ostreed.conf")
POLICIES = ("none", "check", "stage", "apply")
_MOST_TRIES = 5  # the menu has no arithmetic: it knows the numbers up to this one
_UNITS = {
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
}
_SPAN_PART = re.compile(r"([0-9]+)\s*([a-z]*)\s*")
_GROUP = re.compile(r"[A-Za-z0-9.-]+")


@dataclass(frozen=True)
class FleetLockSettings:
    """A lock manager that says which machines of a group may restart at the same time."""

    base_url: str
    group: str = "default"


@dataclass(frozen=True)
class HealthSettings:
    """Seconds that all checks may take together, and one of them. tries: how often the boot loader
    starts a new deployment before it takes the former one again, 0 for as often as it is asked."""

    timeout: float = 300.0
    check_timeout: float = 60.0
    tries: int = 2


@dataclass(frozen=True)
class Settings:
    """policy: what happens by itself; "none" where there is a problem. source: the file that says
    so, None when none does. random_delay: seconds before a run begins, at most."""

    policy: str = "none"
    source: Path | None = None
    windows: tuple[Window, ...] = ()
    random_delay: float = 0.0
    fleet_lock: FleetLockSettings | None = None
    health: HealthSettings = field(default_factory=HealthSettings)
    problems: tuple[Problem, ...] = ()

    def require_valid(self) -> None:
        """Raises PlanError with every problem."""
        if self.problems:
            raise PlanError(
                "The configuration of automatic updates is not valid, so there are none.",
                self.problems,
                "Correct the lines, then start the service again.",
            )


def read_settings(root: Path = Path("/")) -> Settings:
    """Of the system whose root directory is given. Never fails: see `Settings.problems`."""
    ours = _KeyFile(root / OURS, _KEYS)
    source: Path | None = ours.path if _POLICY in ours.values else None
    policy = ours.values.get(_POLICY, "none")
    problems = list(ours.problems)
    if source is None:
        theirs = _KeyFile(root / RPM_OSTREES, {_POLICY: _KEYS[_POLICY]}, only_known=False)
        problems += theirs.problems
        if _POLICY in theirs.values:
            source, policy = theirs.path, theirs.values[_POLICY]
    if _GROUP_KEY in ours.lines and _URL not in ours.lines:
        problems.append(ours.problem(ours.lines[_GROUP_KEY], "Group= needs BaseUrl= beside it."))
    url = ours.values.get(_URL)
    return Settings(
        policy="none" if problems else policy,
        source=source,
        windows=tuple(ours.values.get(_WINDOW, ())),
        random_delay=ours.values.get(_DELAY, 0.0),
        fleet_lock=url and FleetLockSettings(url, ours.values.get(_GROUP_KEY, "default")),
        health=HealthSettings(
            **{name: ours.values[key] for name, key in _HEALTH.items() if key in ours.values}
        ),
        problems=tuple(problems),
    )


class _KeyFile:
    """values: of the keys that are right, lists for keys that may come several times.
    lines: where a key was seen first."""

    def __init__(
        self, path: Path, keys: Mapping[_Key, Callable[[str], Any]], *, only_known: bool = True
    ) -> None:
        self.path = path
        self.values: dict[_Key, Any] = {}
        self.lines: dict[_Key, int] = {}
        self.problems: list[Problem] = []
        self._keys = keys
        section = ""
        for number, line in self._lines():
            header = re.fullmatch(r"\[(.*)\]", line)
            if header is not None:
                section = header[1]
                if only_known and section not in {each for each, _key in keys}:
                    self._unknown(number, "section", section, {each for each, _key in keys})
            elif "=" not in line or not section:
                what = "no section" if "=" in line else "neither a section nor Key=value"
                self.problems.append(self.problem(number, f"{line!r} has {what}."))
            else:
                name, _equals, value = (part.strip() for part in line.partition("="))
                self._take(number, (section, name), value, only_known)

    def problem(self, number: int, message: str, hint: str = "") -> Problem:
        return Problem(f"{self.path}:{number}", message, hint)

    def _lines(self) -> Iterator[tuple[int, str]]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except OSError as error:
            self.problems.append(Problem(str(self.path), f"It cannot be read: {error.strerror}."))
            return
        except UnicodeDecodeError:
            self.problems.append(Problem(str(self.path), "It is no text in UTF-8."))
            return
        for number, line in enumerate(text.splitlines(), start=1):
            stripped = line.strip()
            if stripped and stripped[0] not in "#;":
                yield number, stripped

    def _take(self, number: int, key: _Key, value: str, only_known: bool) -> None:
        section, name = key
        if key not in self._keys:
            known = {each for place, each in self._keys if place == section}
            if only_known and known:  # a section that is not known was reported
                self._unknown(number, "key", name, known)
            return
        if key in self.lines and key not in _REPEATED:
            before = self.lines[key]
            self.problems.append(self.problem(number, f"{name}= was given in line {before}, too."))
            return
        self.lines.setdefault(key, number)
        try:
            read = self._keys[key](value)
        except ValueError as error:
            self.problems.append(self.problem(number, f"{name}=: {error}."))
            return
        if key in _REPEATED:
            self.values.setdefault(key, []).append(read)
        else:
            self.values[key] = read

    def _unknown(self, number: int, kind: str, name: str, known: set[str]) -> None:
        hint = meant(name, known) or f"There are {', '.join(sorted(known))}."
        self.problems.append(self.problem(number, f"There is no {kind} {name!r}.", hint))


def _policy(text: str) -> str:
    word = "stage" if text == "ex-stage" else text  # rpm-ostree's name for it before 2018.9
    if word not in POLICIES:
        raise ValueError(f"{text!r} is no policy; use {_listed(POLICIES)}")
    return word


def _span(text: str) -> float:
    """Seconds, from systemd's "5min", "1h 30min", "90"."""
    words = text.lower()
    if not re.fullmatch(f"(?:{_SPAN_PART.pattern})+", words):
        raise ValueError(f"{text!r} is no time span; write it like 30s, 5min or 1h 30min")
    seconds = 0
    for count, unit in _SPAN_PART.findall(words):
        if unit not in _UNITS:
            raise ValueError(f"{unit!r} is no unit of time; use s, min, h or d")
        seconds += int(count) * _UNITS[unit]
    return float(seconds)


def _positive_span(text: str) -> float:
    seconds = _span(text)
    if seconds <= 0:
        raise ValueError("it must be longer than nothing")
    return seconds


def _tries(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _MOST_TRIES:
        raise ValueError(f"{text!r} is no number from 0 to {_MOST_TRIES}")
    return int(text)


def _base_url(text: str) -> str:
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and bool(url.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"{text!r} is no URL that begins with http:// or https://")
    return text.rstrip("/")


def _group(text: str) -> str:
    if not _GROUP.fullmatch(text):
        raise ValueError(f"{text!r} is no group; use letters, digits, '.' and '-'")
    return text


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


_Key = tuple[str, str]
_POLICY = ("Daemon", "AutomaticUpdatePolicy")
_WINDOW = ("Daemon", "Window")
_DELAY = ("Daemon", "RandomDelay")
_URL = ("FleetLock", "BaseUrl")
_GROUP_KEY = ("FleetLock", "Group")
_HEALTH: Mapping[str, _Key] = {
    "timeout": ("Health", "Timeout"),
    "check_timeout": ("Health", "CheckTimeout"),
    "tries": ("Health", "BootTries"),
}
_KEYS: Mapping[_Key, Callable[[str], Any]] = {
    _POLICY: _policy,
    _WINDOW: Window.parse,
    _DELAY: _span,
    _URL: _base_url,
    _GROUP_KEY: _group,
    _HEALTH["timeout"]: _positive_span,
    _HEALTH["check_timeout"]: _positive_span,
    _HEALTH["tries"]: _tries,
}
_REPEATED = frozenset({_WINDOW})
