"""Treefiles: what rpm-ostree's `compose tree` takes, in JSON or YAML, with its includes.

`load_treefile` reads a treefile and everything it includes, merges them by rpm-ostree's rules,
substitutes variables, and reports every mistake of every file with its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from engine.document import Document, parse_document
from engine.errors import PlanError, Problem
from engine.packages.model import PackageRequest
from engine.packages.variables import substitute
from engine.treefile_keys import (
    TreefileKeys,
    Variable,
    canonical_key,
    parse_condition,
    split_packages,
)
from engine.validation import RuleError, check, did_you_mean, problems_in_order

# Keys whose whole effect is in this module and engine.packages, or that have none.
SELECTION_KEYS = frozenset(
    {"comment", "osname", "edition", "basearch", "metadata", "variables", "releasever"}
    | {"repos", "repovars", "packages", "bootstrap-packages", "repo-packages"}
    | {"exclude-packages", "recommends"}
)
_INCLUDES = ("include", "arch-include", "conditional-include")
_MAPS = frozenset({"metadata", "variables", "repovars", "add-commit-metadata"})
_SCALAR_LISTS = frozenset({"comment", "container-cmd", *_INCLUDES})
_RESERVED = ("basearch", "releasever")
_MAX_DEPTH = 50
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class Treefile(TreefileKeys):
    """A treefile with its includes merged and its variables substituted.

    Fields are the keys (`TreefileKeys`); `model_fields_set` has those that a file set. Paths in it
    are as written: `source` finds them.
    """

    _path: Path = PrivateAttr(default=Path())
    _arch: str = PrivateAttr(default="")
    _places: dict[str, str] = PrivateAttr(default_factory=dict)
    _sources: dict[str, Path] = PrivateAttr(default_factory=dict)
    _excluded: dict[str, str] = PrivateAttr(default_factory=dict)
    _requests: tuple[PackageRequest, ...] = PrivateAttr(default=())

    @property
    def path(self) -> Path:
        """The file that was asked for."""
        return self._path

    @property
    def folder(self) -> Path:
        """Where the file is; its .repo files are there too."""
        return self._path.parent

    @property
    def arch(self) -> str:
        return self._arch

    @property
    def requests(self) -> tuple[PackageRequest, ...]:
        """Every package asked for (packages, bootstrap_packages, packages-ARCH, repo-packages),
        once, by name, so that the order in the files changes nothing."""
        return self._requests

    @property
    def excluded(self) -> dict[str, str]:
        """The names under exclude-packages, each with its place."""
        return dict(self._excluded)

    def place(self, key: str) -> str:
        """file:line:column of a key that is set (canonical spelling); else the file's name."""
        return self._places.get(key, self._path.name)

    def source(self, name: str) -> Path:
        """The file that postprocess-script, add-files or check-* mean by name: it is beside the
        treefile that names it."""
        return self._sources.get(name, self.folder / name)

    def variables_for_repositories(self) -> dict[str, str]:
        """What `$name` means in .repo files: basearch, arch, releasever and repovars."""
        known = {**self.repovars, "basearch": self._arch, "arch": self._arch}
        if self.releasever is not None:
            known["releasever"] = str(self.releasever)
        return known

    def to_json(self) -> str:
        """The merged treefile, the same text for the same content (no paths of this machine)."""
        values = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def load_treefile(path: Path, arch: str) -> Treefile:
    """Read path and what it includes, for the base architecture arch ("x86_64").

    Raises PlanError with every problem of every file.
    """
    loader = _Loader(arch)
    top = loader.read(path, parents=())
    treefile = None
    if top is not None:
        treefile = _finished(path, arch, top, loader)
    if loader.problems or treefile is None:
        raise PlanError(f"The treefile {path} cannot be used.", _in_order(loader.problems))
    return treefile


def _in_order(problems: Sequence[Problem]) -> list[Problem]:
    """File by file, as they were read, and by line in each."""
    files = list(dict.fromkeys(problem.where.partition(":")[0] for problem in problems))
    ordered = problems_in_order(problems)
    return sorted(ordered, key=lambda problem: files.index(problem.where.partition(":")[0]))


def unsupported_keys(treefile: Treefile, supported: Collection[str]) -> tuple[Problem, ...]:
    """The keys that ask for something that neither this module nor the caller does.

    supported: canonical spellings. A key that says what would happen without it asks for nothing.
    """
    fields = type(treefile).model_fields
    return problems_in_order(
        Problem(treefile.place(key), f'the key "{key}" is not supported yet')
        for name in fields
        if name in treefile.model_fields_set
        and (key := str(fields[name].alias)) not in {*SELECTION_KEYS, *supported}
        and not key.startswith("packages-")
        and getattr(treefile, name) != fields[name].get_default(call_default_factory=True)
    )


@dataclass
class _Merged:
    """Keys so far, as in the documents; places of keys and of package names; files named."""

    data: dict[str, Any]
    places: dict[str, str]
    packages: list[PackageRequest] = field(default_factory=list)
    excluded: dict[str, str] = field(default_factory=dict)
    sources: dict[str, Path] = field(default_factory=dict)

    def include(self, other: _Merged) -> None:
        """Put what an included file says behind what this one says."""
        for key, value in other.data.items():
            if key not in self.data:
                self.data[key] = value
            elif key in _MAPS:
                self.data[key] = {**value, **self.data[key]}
            elif isinstance(value, list) and key not in _SCALAR_LISTS:
                self.data[key] = [*value, *self.data[key]]
        self.places = {**other.places, **self.places}
        self.packages = [*other.packages, *self.packages]
        self.excluded = {**other.excluded, **self.excluded}
        self.sources = {**other.sources, **self.sources}


class _Loader:
    """Reads treefiles, each once, and collects the problems of all."""

    def __init__(self, arch: str) -> None:
        self.problems: list[Problem] = []
        self.variables: dict[str, Variable] = {"basearch": arch}
        self._arch = arch
        self._seen: dict[Path, str] = {}

    def read(self, path: Path, parents: Sequence[Path], where: str = "") -> _Merged | None:
        """path and its includes, or None when the file cannot be read."""
        document = self._document(path, parents, where)
        if document is None:
            return None
        document = self._canonical(document)
        checked = check(document, TreefileKeys)
        self.problems += checked.problems
        if checked.value is None:
            return None
        merged = self._content(path, document, checked.value)
        for name, place in list(self._includes(document, checked.value)):
            included = self.read(path.parent / name, (*parents, path.resolve()), place)
            if included is not None:
                merged.include(included)
        return merged

    def _document(self, path: Path, parents: Sequence[Path], where: str) -> Document | None:
        real = path.resolve()
        if real in parents or len(parents) > _MAX_DEPTH:
            chain = " -> ".join(part.name for part in (*parents, real))
            self.problems.append(Problem(where, f"the treefiles include each other: {chain}"))
            return None
        if real in self._seen:
            first = self._seen[real] or "the command line"
            message = f"{path.name} is included twice, first by {first}"
            self.problems.append(Problem(where, message, "keep one of the two"))
            return None
        self._seen[real] = where
        try:
            return parse_document(path.read_text(encoding="utf-8"), path.name)
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}"
            self.problems.append(Problem(where, message))
        except UnicodeDecodeError:
            self.problems.append(Problem(where or str(path), f"{path} is not UTF-8 text"))
        except PlanError as error:
            self.problems += error.problems
        return None

    def _canonical(self, document: Document) -> Document:
        """The document with one spelling for every key of the top level."""
        if not isinstance(document.data, dict):
            return document
        for key in list(document.data):
            name = canonical_key(key)
            if name == key:
                continue
            if name in document.data:
                place = document.place([key], of_key=True)
                self.problems.append(Problem(place, f'"{key}" and "{name}" are the same key'))
            else:
                document = document.with_value((name,), document.data[key], like=(key,))
            document = document.without((key,))
        return document

    def _content(self, path: Path, document: Document, keys: TreefileKeys) -> _Merged:
        own = {name: keys.variables[name] for name in keys.variables if name not in _RESERVED}
        for name in set(keys.variables) - set(own):
            place = document.place(["variables", name], of_key=True)
            self.problems.append(Problem(place, f'the variable "{name}" is set by other means'))
        if keys.releasever is not None:
            own["releasever"] = keys.releasever
        self.variables = {**own, **self.variables}
        if keys.basearch not in (None, self._arch):
            message = f'the treefile is for "{keys.basearch}", the tree is for "{self._arch}"'
            self.problems.append(Problem(document.place(["basearch"]), message))
        data = keys.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return _Merged(
            data={key: value for key, value in data.items() if key not in _INCLUDES},
            places={key: document.place([key], of_key=True) for key in data},
            packages=list(self._requests(document, keys)),
            excluded=dict(_names(document, "exclude-packages", keys.exclude_packages)),
            sources=self._sources(path, document, keys),
        )

    def _requests(self, document: Document, keys: TreefileKeys) -> Iterator[PackageRequest]:
        for key in ("bootstrap-packages", "packages", f"packages-{self._arch}"):
            entries = getattr(keys, key.replace("-", "_"), ())
            for name, where in _names(document, key, entries):
                yield PackageRequest(name, where)
        for index, item in enumerate(keys.repo_packages):
            for number, entry in enumerate(item.packages):
                where = document.place(["repo-packages", index, "packages", number])
                for name in split_packages(entry):
                    yield PackageRequest(name, where, item.repo)

    def _sources(self, path: Path, document: Document, keys: TreefileKeys) -> dict[str, Path]:
        """The files beside the treefile that it names; each must exist."""
        named: list[tuple[str, str]] = []
        if keys.postprocess_script is not None:
            named.append((keys.postprocess_script, document.place(["postprocess-script"])))
        for index, (name, _target) in enumerate(keys.add_files):
            named.append((name, document.place(["add-files", index])))
        for key, accounts in (
            ("check-passwd", keys.check_passwd),
            ("check-groups", keys.check_groups),
        ):
            if accounts.type == "file" and accounts.filename is None:
                message = f'{key}: the key "filename" is missing'
                self.problems.append(Problem(document.place([key]), message))
            if accounts.type == "file" and accounts.filename is not None:
                named.append((accounts.filename, document.place([key, "filename"])))
        for name, place in named:
            if not (path.parent / name).is_file():
                self.problems.append(Problem(place, f"there is no file {path.parent / name}"))
        return {name: path.parent / name for name, _place in named}

    def _includes(self, document: Document, keys: TreefileKeys) -> Iterator[tuple[str, str]]:
        """The names of the files to include, in rpm-ostree's order, with their places."""
        yield from _listed(document, ["include"], keys.include)
        if self._arch in keys.arch_include:
            names = keys.arch_include[self._arch]
            yield from _listed(document, ["arch-include", self._arch], names)
        for index, item in enumerate(keys.conditional_include):
            texts = (item.if_,) if isinstance(item.if_, str) else item.if_
            if self._all_hold(document.place(["conditional-include", index, "if"]), texts):
                within: list[str | int] = ["conditional-include", index, "include"]
                yield from _listed(document, within, item.include)

    def _all_hold(self, where: str, conditions: Sequence[str]) -> bool:
        """Every condition is evaluated, so that each mistake is found."""
        results = []
        for text in conditions:
            try:
                results.append(parse_condition(text).holds(self.variables))
            except RuleError as error:
                self.problems.append(Problem(where, error.message, error.hint))
        return len(results) == len(conditions) and all(results)


def _names(document: Document, key: str, entries: Sequence[str]) -> Iterator[tuple[str, str]]:
    for index, entry in enumerate(entries):
        for name in split_packages(entry):
            yield name, document.place([key, index])


def _listed(
    document: Document, path: Sequence[str | int], value: str | Sequence[str]
) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield value, document.place(path)
        return
    for index, name in enumerate(value):
        yield name, document.place([*path, index])


def _finished(path: Path, arch: str, merged: _Merged, loader: _Loader) -> Treefile:
    """The merged keys as a Treefile; what only shows in the whole is checked here."""
    data = dict(merged.data)
    if data.get("edition", 2014) >= 2024:
        data = {"boot-location": "modules", "tmp-is-dir": True, **data}
    variables = {name: _text(value) for name, value in loader.variables.items()}
    for key in ("ref", "automatic-version-prefix", "mutate-os-release", "platform-module"):
        if isinstance(data.get(key), str):
            data[key] = _substituted(data[key], variables, merged.places[key], loader.problems)
    for key in ("metadata", "add-commit-metadata"):
        if key in data:
            data[key] = {
                name: _substituted(value, variables, merged.places[key], loader.problems)
                if isinstance(value, str)
                else value
                for name, value in data[key].items()
            }
    treefile = Treefile.model_validate(data)
    treefile._path = path
    treefile._arch = arch
    treefile._places = merged.places
    treefile._sources = merged.sources
    treefile._excluded = merged.excluded
    # of a package that several places name, the last one decides about its repository
    chosen = {request.name: request for request in merged.packages}
    treefile._requests = tuple(chosen[name] for name in sorted(chosen))
    loader.problems += _contradictions(treefile, merged)
    return treefile


def _contradictions(treefile: Treefile, merged: _Merged) -> Iterator[Problem]:
    for request in treefile.requests:
        if request.name in merged.excluded:
            message = f"{request.name} is asked for and excluded"
            yield Problem(request.where, message, f"see {merged.excluded[request.name]}")
        if request.repo and treefile.repos and request.repo not in treefile.repos:
            hint = did_you_mean(request.repo, treefile.repos)
            yield Problem(request.where, f'"{request.repo}" is not one of the repos', hint)


def _substituted(
    text: str, variables: Mapping[str, str], place: str, problems: list[Problem]
) -> str:
    result = substitute(text, variables)
    for name in _VARIABLE.findall(result):
        hint = did_you_mean(name, variables)
        problems.append(Problem(place, f'the variable "{name}" is not defined', hint))
    return result


def _text(value: Variable) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
