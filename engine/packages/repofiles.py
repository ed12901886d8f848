"""`.repo` files: where RPM repositories are, and how far they are trusted.

The format is that of yum.conf(5) and dnf.conf(5). Two defaults are ours: gpgcheck is on unless it
is turned off, and a repository that does not answer is an error unless skip_if_unavailable=1.
"""

from __future__ import annotations

import configparser
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from engine.errors import PlanError, Problem
from engine.events import Emit, LogLine
from engine.packages.nearby import meant, nearest
from engine.packages.variables import substitute

_T = TypeVar("_T")
_TRUE = ("1", "yes", "true", "on")
_FALSE = ("0", "no", "false", "off")
_SCHEMES = ("file", "http", "https")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}  # of dnf.conf(5), in seconds
_EXPIRE = 48 * 3600.0
# options of dnf and tdnf that change nothing here
_IGNORED = frozenset(
    {"failovermethod", "fastestmirror", "type", "countme", "timeout", "retries"}
    | {"keepcache", "enablegroups", "module_hotfixes", "deltarpm", "zchunk", "throttle"}
    | {"minrate", "ip_resolve", "max_parallel_downloads", "bandwidth", "user_agent", "mirrorlist"}
    | {"metalink", "skip_md_filelists", "skip_md_updateinfo", "skip_md_other", "proxy"}
)


@dataclass(frozen=True)
class RepositoryConfig:
    """One section of a .repo file, variables substituted.

    baseurls: tried in this order, each ends with "/". gpgkeys: URLs. priority: 1 (best) to 99, as
    in dnf. cost: decides between packages that are otherwise equal. metadata_expire: for how many
    seconds a host takes cached metadata for new. where: "FILE [ID]".
    """

    id: str
    baseurls: tuple[str, ...]
    name: str = ""
    where: str = ""
    gpgkeys: tuple[str, ...] = ()
    gpgcheck: bool = True
    repo_gpgcheck: bool = False
    enabled: bool = True
    skip_if_unavailable: bool = False
    sslverify: bool = True
    sslcacert: str = ""
    sslclientcert: str = ""
    sslclientkey: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    priority: int = 99
    cost: int = 1000
    metadata_expire: float = _EXPIRE
    excludes: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()


def read_repositories(
    folder: Path, ids: Sequence[str], variables: Mapping[str, str], emit: Emit
) -> tuple[RepositoryConfig, ...]:
    """The repositories with these ids from the .repo files in folder, in the order of ids.

    Without ids: every enabled one, by file name and place in it. variables: what `$releasever`,
    `$basearch`... mean. Warns of what is not verified and of options that have no effect.
    Raises PlanError with every problem of the chosen repositories and of the files.
    """
    problems: list[Problem] = []
    sections: dict[str, tuple[Path, configparser.SectionProxy]] = {}
    for path in sorted(folder.glob("*.repo")):
        for name, section in _sections(path, problems):
            if name in sections:
                other = sections[name][0].name
                where = f"{path.name} [{name}]"
                problems.append(Problem(where, f"the repository is in {other} too"))
            sections.setdefault(name, (path, section))
    if not problems:
        problems += _unknown(folder, ids, sections)
    configs = []
    for name in dict.fromkeys(ids or sections):
        if name in sections:
            path, section = sections[name]
            reader = _SectionReader(path.name, section, variables)
            config = reader.read()
            if ids or config.enabled:
                problems += reader.problems
                configs.append(config)
                for text in reader.remarks:
                    emit(LogLine(f"{config.where}: {text}", level="warning"))
    if not configs and not problems:
        hint = 'Write a .repo file there, or name one under "repos".'
        problems.append(Problem(str(folder), "no repository is enabled in its .repo files", hint))
    if problems:
        raise PlanError("The package repositories cannot be used.", problems)
    return tuple(configs)


def list_repositories(folder: Path) -> dict[str, bool]:
    """The ids of all repositories in folder's .repo files, in their order, and which are enabled.

    Raises PlanError when a file cannot be read or an id is there twice.
    """
    problems: list[Problem] = []
    found: dict[str, bool] = {}
    for path in sorted(folder.glob("*.repo")):
        for name, section in _sections(path, problems):
            found[name] = section.get("enabled", "1").strip().lower() not in _FALSE
    if problems:
        raise PlanError("The package repositories cannot be used.", problems)
    return found


def _sections(
    path: Path, problems: list[Problem]
) -> Iterator[tuple[str, configparser.SectionProxy]]:
    parser = configparser.RawConfigParser(
        delimiters=("=",), comment_prefixes=("#", ";"), default_section="", strict=True
    )
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=path.name)
    except OSError as error:
        problems.append(Problem(str(path), f"cannot be read: {error.strerror}"))
    except UnicodeDecodeError:
        problems.append(Problem(str(path), "is not UTF-8 text"))
    except configparser.Error as error:
        problems += _syntax_problems(path, error)
        return  # what was read so far has no final form
    for name in parser.sections():
        if name != "main":
            yield name, parser[name]


def _syntax_problems(path: Path, error: configparser.Error) -> Iterator[Problem]:
    match error:
        case configparser.MissingSectionHeaderError():
            yield Problem(f"{path.name}:{error.lineno}", "the line is before the first [section]")
        case configparser.ParsingError():
            for number, line in error.errors:
                yield Problem(f"{path.name}:{number}", f"not KEY=VALUE: {line}")
        case configparser.DuplicateSectionError():
            yield Problem(f"{path.name}:{error.lineno}", f"a second section [{error.section}]")
        case configparser.DuplicateOptionError():
            where = f"{path.name}:{error.lineno}"
            yield Problem(where, f'"{error.option}" is given twice in [{error.section}]')
        case _:
            yield Problem(path.name, str(error))


def _unknown(folder: Path, ids: Sequence[str], known: Mapping[str, object]) -> Iterator[Problem]:
    for name in dict.fromkeys(ids):
        if name not in known:
            message = f'no .repo file in {folder} has the repository "{name}"'
            others = f"there are: {', '.join(known)}" if known else "there is none at all"
            yield Problem("", message, meant(name, known) or others)


def _duration(text: str) -> float:
    """Seconds. Raises ValueError."""
    if text.lower() in ("never", "-1"):
        return math.inf
    unit = _UNITS.get(text[-1:].lower())
    seconds = float(text) if unit is None else float(text[:-1]) * unit
    if not seconds >= 0:
        raise ValueError
    return seconds


class _SectionReader:
    """Turns the text of a section into a RepositoryConfig; collects problems and remarks."""

    def __init__(
        self, file: str, section: configparser.SectionProxy, variables: Mapping[str, str]
    ) -> None:
        self.problems: list[Problem] = []
        self.remarks: list[str] = []
        self._where = f"{file} [{section.name}]"
        self._section = section
        self._variables = variables
        self._read: set[str] = set()

    def read(self) -> RepositoryConfig:
        default = RepositoryConfig
        config = RepositoryConfig(
            id=self._section.name,
            where=self._where,
            name=self._text("name"),
            baseurls=tuple(url.rstrip("/") + "/" for url in self._urls("baseurl")),
            gpgkeys=self._urls("gpgkey"),
            gpgcheck=self._flag("gpgcheck", default.gpgcheck),
            repo_gpgcheck=self._flag("repo_gpgcheck", default.repo_gpgcheck),
            enabled=self._flag("enabled", default.enabled),
            skip_if_unavailable=self._flag("skip_if_unavailable", default.skip_if_unavailable),
            sslverify=self._flag("sslverify", default.sslverify),
            sslcacert=self._file("sslcacert"),
            sslclientcert=self._file("sslclientcert"),
            sslclientkey=self._file("sslclientkey"),
            username=self._text("username"),
            password=self._text("password"),
            priority=self._number("priority", default.priority),
            cost=self._number("cost", default.cost),
            metadata_expire=self._value(
                "metadata_expire", _EXPIRE, _duration, "must be a time such as 6h, or never"
            ),
            excludes=self._words("excludepkgs") + self._words("exclude"),
            includes=self._words("includepkgs"),
        )
        self._check(config)
        self._remark_on_options()
        return config

    def _check(self, config: RepositoryConfig) -> None:
        if not config.baseurls and "baseurl" not in self._section:
            other = next((key for key in ("metalink", "mirrorlist") if key in self._section), "")
            why = f" ({other} is not supported)" if other else ""
            self._problem(f"there is no baseurl{why}", "write baseurl=https://...")
        if not config.gpgkeys and "gpgkey" not in self._section:
            for option in ("gpgcheck", "repo_gpgcheck"):
                if getattr(config, option):
                    hint = f"add gpgkey=, or {option}=0 if the packages are trusted without"
                    self._problem(f"{option} is on, but there is no gpgkey", hint)
        if not config.gpgcheck:
            self.remarks.append("signatures of packages are not verified (gpgcheck=0)")
        if not config.sslverify:
            self.remarks.append("the server's certificate is not verified (sslverify=0)")

    def _remark_on_options(self) -> None:
        for key in self._section:
            if key in self._read or key in _IGNORED:
                continue
            hint = "".join(f', did you mean "{name}"?' for name in nearest(key, self._read))
            self.remarks.append(f'the option "{key}" has no effect{hint}')

    def _problem(self, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self._where, message, hint))

    def _text(self, key: str) -> str:
        self._read.add(key)
        return substitute(self._section.get(key, "").strip(), self._variables)

    def _words(self, key: str) -> tuple[str, ...]:
        return tuple(re.split(r"[\s,]+", self._text(key))) if self._text(key) else ()

    def _value(self, key: str, default: _T, parse: Callable[[str], _T], rule: str) -> _T:
        text = self._text(key)
        if not text:
            return default
        try:
            return parse(text)
        except ValueError:
            self._problem(f'{key} {rule}, not "{text}"')
            return default

    def _flag(self, key: str, default: bool) -> bool:
        def parse(text: str) -> bool:
            if text.lower() not in _TRUE + _FALSE:
                raise ValueError
            return text.lower() in _TRUE

        return self._value(key, default, parse, "must be 1 or 0")

    def _number(self, key: str, default: int) -> int:
        return self._value(key, default, int, "must be a whole number")

    def _file(self, key: str) -> str:
        path = self._text(key)
        if path and not Path(path).is_file():
            self._problem(f"{key}: there is no file {path}")
        return path

    def _urls(self, key: str) -> tuple[str, ...]:
        urls = []
        for url in self._words(key):
            parts = urlsplit(url)
            if "$" in url:
                name = re.sub(r".*\$\{?(\w*).*", r"\1", url)
                hint = (
                    "set releasever (treefile, os-release)" if name.startswith("releasever") else ""
                )
                self._problem(f"{key}: the variable ${name} has no value", hint)
            elif parts.scheme not in _SCHEMES:
                hint = f"write file://{url}" if url.startswith("/") else ""
                self._problem(f"{key}: {url} is no file:, http: or https: URL", hint)
            elif parts.scheme == "file" and (parts.netloc not in ("", "localhost")):
                self._problem(f"{key}: {url} has too few slashes", "write file:///...")
            elif parts.scheme != "file" and not parts.hostname:
                self._problem(f"{key}: {url} has no host")
            else:
                urls.append(url)
        return tuple(urls)
