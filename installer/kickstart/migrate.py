"""Former forms of Photon's kickstart (1.0 to 5.0) translated into today's, each with a warning."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.document import Document, Path
from engine.errors import Problem

# Former place -> today's
_MOVED: dict[Path, Path] = {
    ("ostree_repo_url",): ("ostree", "repo_url"),
    ("ostree_repo_ref",): ("ostree", "repo_ref"),
    ("default_repo",): ("ostree", "default_repo"),
    ("partition",): ("partitions",),
}
_PACKAGE_TYPES = ("micro", "minimal", "full", "developer", "rt", "generic", "tarball", "custom")
_SOURCE = (
    'write "ostree": {"default_repo": true} for the tree on the media, '
    "or repo_url and repo_ref of a repository"
)


@dataclass
class Migrated:
    """sourceless: it was said already that no source of a tree is given."""

    document: Document
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    sourceless: bool = False

    def warn(self, path: Path, message: str, hint: str = "") -> None:
        where = self.document.place(path, of_key=True)
        self.warnings.append(Problem(where, message, hint))

    def refuse(self, path: Path, message: str, hint: str = "") -> None:
        where = self.document.place(path, of_key=True)
        self.problems.append(Problem(where, message, hint))


def migrate(document: Document) -> Migrated:
    """Translate what can be translated; what means something else here is a problem."""
    result = Migrated(document)
    if not isinstance(document.data, dict):
        return result
    _move_keys(result)
    _read_type(result)
    _read_kernel(result)
    for key in ("release_version", "photon_release_version"):
        if result.document.has((key,)):
            hint = "leave it out; ostree.repo_ref chooses the release"
            result.warn((key,), f'"{key}" has no effect on a tree', hint)
            result.document = result.document.without((key,))
    _name_disks(result)
    return result


def _move_keys(result: Migrated) -> None:
    for old, new in _MOVED.items():
        document = result.document
        if not document.has(old):
            continue
        new_name, old_name = ".".join(map(str, new)), ".".join(map(str, old))
        if document.has(new):
            message = f'"{old_name}" is the former name of "{new_name}", and both are given'
            result.refuse(old, message, f'leave "{old_name}" out')
        elif len(new) > 1 and not isinstance(document.data.get(new[0], {}), dict):
            pass  # what is there is no map, which is reported as such
        else:
            result.warn(old, f'"{old_name}" is the former name of "{new_name}"', "")
            result.document = document.with_value(new, document.find(old), like=old)
        result.document = result.document.without(old)


def _read_type(result: Migrated) -> None:
    """ "type" chose between package lists, and hosts and servers of trees."""
    document = result.document
    if not document.has(("type",)):
        return
    kind = document.data["type"]
    result.document = document.without(("type",))
    if kind == "ostree_host":
        result.warn(("type",), 'type "ostree_host" is no longer needed', "leave it out")
    elif kind == "ostree_server":
        message = "the server profile cannot be installed yet"
        result.refuse(("type",), message, "install a host, leave this key out")
        result.sourceless = True
    elif document.has(("ostree",)):
        result.warn(("type",), "type has no effect on a tree", "leave it out")
    else:
        named = f'type "{kind}"' if kind in _PACKAGE_TYPES else "type"
        message = f"{named} installs packages, and no source of a tree is given"
        result.refuse(("type",), message, _SOURCE)
        result.sourceless = True


def _read_kernel(result: Migrated) -> None:
    document, old = result.document, ("install_linux_esx",)
    if not document.has(old):
        return
    wanted = document.find(old)
    if wanted is True and not document.has(("linux_flavor",)):
        result.warn(old, '"install_linux_esx" is the former form of "linux_flavor": "linux-esx"')
        document = document.with_value(("linux_flavor",), "linux-esx", like=old)
    elif wanted not in (True, False):
        result.refuse(old, "install_linux_esx must be true or false", "leave it out")
    result.document = document.without(old)


def _name_disks(result: Migrated) -> None:
    """Partitions once named their disk by "disk"."""
    partitions = result.document.data.get("partitions")
    for index, partition in enumerate(partitions if isinstance(partitions, list) else []):
        old: Path = ("partitions", index, "disk")
        if isinstance(partition, dict) and "disk" in partition and "disk_id" not in partition:
            result.warn(old, f'"partitions[{index}].disk" is the former name of "disk_id"')
            new: Path = ("partitions", index, "disk_id")
            result.document = result.document.with_value(new, partition["disk"], like=old)
            result.document = result.document.without(old)


def missing_source(document: Document) -> Problem:
    """The problem of a kickstart that says nothing about a tree."""
    return Problem(document.place(()), 'the key "ostree" is missing', _SOURCE)
