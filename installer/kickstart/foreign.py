"""Files that are no kickstarts of ours, recognised by their form so that the error can say so."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from engine.document import Document, Path
from engine.errors import PlanError, Problem

_ANACONDA = re.compile(
    r"^\s*(ostreesetup|ostreecontainer|%(packages|post|pre|addon|end)|clearpart|autopart|zerombr"
    r"|rootpw|part|bootloader|lang|keyboard|timezone|reboot)\b(?!\s*[:=])",
    re.MULTILINE,
)
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|<%.*?%>")
_BUILDER_TAG = re.compile(r"!(param|include)\b")
# Keys of files that belong to other programs of Photon -> what such a file is
_OTHERS: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"packageslist_file", "initrd_pkgs_list_file", "repo_paths", "iso_files"}),
        "a configuration of Photon's ISO builder",
    ),
    (
        frozenset({"image_type", "image_name", "artifacttype", "ova_config"}),
        "a configuration of Photon's image builder",
    ),
    (
        frozenset({"eula_file_path", "license_display_title", "download_screen"}),
        "a ui configuration of Photon's installer",
    ),
)


def anaconda_problem(text: str, name: str) -> Problem | None:
    """The problem of an Anaconda kickstart, with its tree's source in our words."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        words = _words(line)
        if words[:1] == ["ostreesetup"]:
            options = dict(w[2:].split("=", 1) for w in words if re.match(r"--\w+=", w))
            url, ref = options.get("url", "URL"), options.get("ref", "REF")
            ours: dict[str, object] = {"repo_url": url, "repo_ref": ref}
            if "--nogpg" in words:
                ours["gpg_verify"] = False
            hint = f'write a kickstart in YAML or JSON with "ostree": {json.dumps(ours)}'
            message = f"an Anaconda kickstart, whose tree is {ref} from {url}"
            return Problem(f"{name}:{number}:1", message, hint)
    found = list(_ANACONDA.finditer(text))
    if len(found) < 2:
        return None
    number = text.count("\n", 0, found[0].start(1)) + 1
    hint = "write a kickstart in YAML or JSON, see docs/kickstart.md"
    return Problem(f"{name}:{number}:1", "an Anaconda kickstart", hint)


def template_problems(text: str, name: str) -> list[Problem]:
    """Every line of a text that cannot be read which still has marks of a template."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TEMPLATE.search(line) or _BUILDER_TAG.search(line):
            found.append(_template(f"{name}:{number}:{match.start() + 1}", match.group()))
    return found


def values_with_templates(document: Document, skipped: frozenset[str]) -> Iterator[Path]:
    """Paths of text that still has marks of a template; skipped: top-level keys that may."""
    data = document.data if isinstance(document.data, dict) else {}
    for path, text in texts(data):
        if path[0] not in skipped and _TEMPLATE.search(text):
            yield path


def template_problem(document: Document, path: Path) -> Problem:
    match = _TEMPLATE.search(document.find(path))
    return _template(document.place(path), match.group() if match else "")


def _template(where: str, mark: str) -> Problem:
    return Problem(where, f"a template that was not rendered: {mark}", "put the value in its place")


def refuse_other_programs(document: Document) -> None:
    """Raise PlanError when the top-level keys are those of another program's file."""
    keys = set(document.data) if isinstance(document.data, dict) else set()
    kind = next((what for signs, what in _OTHERS if len(keys & signs) >= 1), "")
    if str(document.data.get("function", "") if keys else "").startswith("build-"):
        kind = "a configuration of Photon's ISO builder"
    if {"system", "hardware"} <= keys:
        kind = "a description of a virtual machine for ova-compose"
    if kind and not keys & {"disk", "disks", "ostree", "partitions", "password"}:
        problem = Problem(document.place(()), f"{kind}, no kickstart", "see docs/kickstart.md")
        raise PlanError(f"{document.name} is no kickstart.", [problem])


def texts(data: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text in nested maps and lists, with its path."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from texts(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from texts(value, (*path, index))


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()
