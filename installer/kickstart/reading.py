"""What the parts that turn a kickstart into a plan share: the values, the facts, the findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from engine.document import Path as Place
from engine.errors import Problem
from engine.validation import Checked, dotted, quoted
from installer.kickstart.schema import InlineScript, Kickstart
from installer.plan import Script, Secret

MAX_SCRIPT_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Facts:
    """What a plan needs to know besides the kickstart.

    arch: of the machine that installs. media: where the installer's medium is mounted, None if
    there is none. folder: of the kickstart, where its relative names are looked up; None for one
    from the network. variables: what preinstall exported; None while it has not run, then values
    that depend on it are left open. name_suffix: what makes a host name when none is given.
    elsewhere: this is a check on another machine, which has neither the media nor all the files.
    """

    arch: str
    media: Path | None = None
    folder: Path | None = None
    variables: Mapping[str, str] | None = None
    name_suffix: str = "0000"
    elsewhere: bool = False


@dataclass
class Reading:
    """A kickstart being read: the keys that are valid, and the problems and warnings so far.

    hash_password: from clear text to crypt(3); only asked for when there are no problems.
    deferred: something is not known yet, but will be known on the machine that is installed.
    """

    checked: Checked[Kickstart]
    keys: Kickstart
    facts: Facts
    hash_password: Callable[[str], Secret]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    deferred: bool = False

    def problem(self, path: Place, message: str, hint: str = "", *, of_key: bool = False) -> None:
        self.problems.append(Problem(self._place(path, of_key), message, hint))

    def broken(self, path: Place, message: str, value: object, hint: str = "") -> None:
        """A problem of one value: its path, the rule, the value."""
        original = self.checked.original(path)
        self.problem(path, f"{dotted(original)}: {message}, not {quoted(value)}", hint)

    def warn(self, path: Place, message: str, hint: str = "", *, of_key: bool = False) -> None:
        self.warnings.append(Problem(self._place(path, of_key), message, hint))

    def doubts(self, *path: str | int) -> bool:
        """Whether the value at path is not known, because of a problem that was reported."""
        return self.checked.doubts(*path)

    def find_file(self, name: str, path: Place) -> Path | None:
        """The file or directory of this name, beside the kickstart or in search_path."""
        given = Path(name)
        folders = [Path(), *map(Path, self.keys.search_path)]
        if self.facts.folder is not None:
            folders = [self.facts.folder, *(self.facts.folder / folder for folder in folders)]
        for folder in [Path("/")] if given.is_absolute() else folders:
            if (folder / given).exists():
                return (folder / given).absolute()
        if self.facts.elsewhere and (given.is_absolute() or self.keys.search_path):
            self.warn(path, f'"{name}" is not on this machine')
            self.deferred = True
            return None
        looked = "" if given.is_absolute() else " beside the kickstart or in search_path"
        self.problem(path, f'there is no file "{name}"{looked}')
        return None

    def read_script(self, item: str | InlineScript, path: Place) -> Script | None:
        """A script of a list of script files."""
        if isinstance(item, InlineScript):
            return Script(item.name, item.text)
        found = self.find_file(item, path)
        if found is None:
            return None
        try:
            if found.stat().st_size > MAX_SCRIPT_BYTES:
                raise OSError(0, "it is too large for a script")
            return Script(found.name, found.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            self.problem(path, f"{found} cannot be read: {reason}")
            return None

    def _place(self, path: Place, of_key: bool) -> str:
        return self.checked.document.place(self.checked.original(path), of_key=of_key)


def is_web_address(text: str) -> bool:
    return urlsplit(text).scheme in ("http", "https")
