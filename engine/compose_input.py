"""What a compose starts from: a treefile that can be composed, packages, and one hash of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from engine.cancel import CancelToken
from engine.command import Commands
from engine.errors import PlanError, Problem
from engine.events import Emit
from engine.packages.model import Resolution, ResolvedPackage
from engine.treefile import Treefile, load_treefile, unsupported_keys

_FORMAT = 1  # counts changes of what the same input becomes
_SUPPORTED_KEYS = frozenset(
    {"ref", "documentation", "install-langs", "remove-from-packages", "selinux", "boot-location"}
    | {"tmp-is-dir", "machineid-compat", "initramfs-args", "no-initramfs", "container", "rpmdb"}
    | {"rpmdb-normalize", "ignore-devices", "etc-group-members", "preserve-passwd", "sysusers"}
    | {"units", "default-target", "mutate-os-release", "add-files", "remove-files"}
    | {"postprocess", "postprocess-script", "automatic-version-prefix"}
    | {"automatic-version-suffix", "add-commit-metadata", "repo-metadata"}
)


class Selection(Protocol):
    """The packages of a tree, chosen but not yet downloaded."""

    @property
    def resolution(self) -> Resolution: ...

    def fetch(self, emit: Emit, cancel: CancelToken) -> Sequence[Path]:
        """Download and verify what is missing; the files in the order of the packages."""
        ...


class Select(Protocol):
    """Chooses the packages of a treefile: `engine.packages.selection.select_packages`."""

    def __call__(
        self,
        treefile: Treefile,
        cachedir: Path,
        commands: Commands,
        emit: Emit,
        cancel: CancelToken,
        /,
    ) -> Selection: ...


def composable_treefile(path: Path, arch: str) -> Treefile:
    """Load a treefile. Raises PlanError with every problem, keys that are not supported too."""
    treefile = load_treefile(path, arch)
    problems = list(unsupported_keys(treefile, _SUPPORTED_KEYS))
    if not treefile.ref:
        problems.append(Problem(path.name, 'the key "ref" is missing'))
    if treefile.boot_location not in ("new", "modules"):
        problems.append(
            Problem(
                treefile.place("boot-location"),
                f'the boot-location "{treefile.boot_location}" is not supported',
                'use "new": OSTree finds the kernel in /usr/lib/modules',
            )
        )
    if treefile.rpmdb not in ("target", "host", "sqlite"):
        problems.append(
            Problem(treefile.place("rpmdb"), f'the rpmdb "{treefile.rpmdb}" is not supported')
        )
    if problems:
        raise PlanError(f"The treefile {path} cannot be composed.", problems)
    return treefile


def input_hash(treefile: Treefile, packages: Sequence[ResolvedPackage]) -> str:
    """What a tree is made of, as one number: the treefile, the files it names, the packages."""
    files = [name for name, _target in treefile.add_files]
    if treefile.postprocess_script is not None:
        files.append(treefile.postprocess_script)
    content = {
        "format": _FORMAT,
        "treefile": treefile.to_json(),
        "files": [hashlib.sha256(treefile.source(name).read_bytes()).hexdigest() for name in files],
        "packages": sorted((package.nevra, str(package.checksum)) for package in packages),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
