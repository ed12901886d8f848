"""What the treefile asks to change in the tree, and the files that every composed tree has."""

from __future__ import annotations

import re
from pathlib import Path

from engine.errors import PackageError
from engine.events import Emit, LogLine
from engine.overlay import OverlayTree
from engine.packages.rpmdb import DATABASE, DATABASE_FILE
from engine.sandbox import SHARED, Sandbox
from engine.treefile import Treefile

_UNITS = "usr/etc/systemd/system"
_SYSTEM_UNITS = "usr/lib/systemd/system"
_TMP_MOUNT = "tmp.mount"
_MACHINE_ID = "usr/etc/machine-id"
_OS_RELEASE = ("usr/lib/os-release", "usr/etc/os-release")
_BASE_DATABASE = "usr/lib/sysimage/rpm-ostree-base-db"
_ETC = "etc/"


def write_database_files(tree: OverlayTree, database: Path) -> None:
    """The RPM database with its second name and its copy for layering, and rpm's configuration."""
    content = (database / DATABASE_FILE).read_bytes()
    tree.remove(DATABASE)
    tree.mkdir(DATABASE)
    tree.write(f"{DATABASE}/{DATABASE_FILE}", content)
    tree.remove("usr/lib/sysimage/rpm")
    tree.symlink("usr/lib/sysimage/rpm", "../../share/rpm")
    tree.remove(_BASE_DATABASE)
    tree.mkdir(_BASE_DATABASE)
    tree.write(f"{_BASE_DATABASE}/{DATABASE_FILE}", content)
    tree.write("usr/lib/rpm/macros.d/macros.rpm-ostree", f"%_dbpath /{DATABASE}\n")


def write_treefile(tree: OverlayTree, treefile: Treefile) -> None:
    tree.write("usr/share/rpm-ostree/treefile.json", treefile.to_json())


def enable_units(tree: OverlayTree, treefile: Treefile, emit: Emit) -> None:
    """units are wanted by multi-user.target, whatever they say themselves (as rpm-ostree)."""
    for unit in treefile.units:
        emit(LogLine(f"Adding to multi-user.target.wants: {unit}"))
        template = re.sub(r"@[^.]+\.", "@.", unit)
        if not tree.exists(f"{_SYSTEM_UNITS}/{template}"):
            emit(LogLine(f"The treefile's unit {unit} is in no package.", "warning"))
        tree.symlink(
            f"{_UNITS}/multi-user.target.wants/{unit}", f"/usr/lib/systemd/system/{template}"
        )
    if treefile.default_target is not None:
        tree.symlink(
            f"{_UNITS}/default.target", f"/usr/lib/systemd/system/{treefile.default_target}"
        )


def write_os_release(tree: OverlayTree, treefile: Treefile, version: str) -> None:
    """mutate-os-release: the text it names becomes the tree's version in VERSION, PRETTY_NAME."""
    former = treefile.mutate_os_release
    if former is None:
        return
    path = next(
        (
            path
            for path in _OS_RELEASE
            if (found := tree.find(path)) is not None and not found.is_symlink()
        ),
        None,
    )
    if path is None:
        raise PackageError(
            "mutate-os-release: the tree has no os-release file.",
            "Add the package that has /usr/lib/os-release.",
        )
    lines = []
    for line in (tree.read(path) or "").splitlines():
        key = line.partition("=")[0]
        lines.append(line.replace(former, version) if key in ("VERSION", "PRETTY_NAME") else line)
    lines.append(f"OSTREE_VERSION='{version}'")
    tree.rewrite(path, "\n".join(lines) + "\n")


def remove_files(tree: OverlayTree, treefile: Treefile) -> None:
    for name in treefile.remove_files:
        tree.remove(in_tree(name))


def add_files(tree: OverlayTree, treefile: Treefile) -> None:
    """add-files: owned by root, executable when the source is."""
    for source, target in treefile.add_files:
        path = treefile.source(source)
        executable = bool(path.stat().st_mode & 0o100)
        tree.write(in_tree(target), path.read_bytes(), 0o755 if executable else 0o644)


def run_postprocess(treefile: Treefile, sandbox: Sandbox, folder: Path) -> None:
    """postprocess and postprocess-script, with the tree as their root. folder: an empty directory.

    Raises CommandError with the output of the first that fails.
    """
    scripts = [text.encode() for text in treefile.postprocess]
    if treefile.postprocess_script is not None:
        scripts.append(treefile.source(treefile.postprocess_script).read_bytes())
    for number, content in enumerate(scripts):
        script = folder / f"postprocess-{number}"
        script.write_bytes(content if content.startswith(b"#!") else b"#!/bin/sh\n" + content)
        script.chmod(0o755)
        sandbox.run([str(SHARED / script.name)], shared=folder)


def settle_machine_id(tree: OverlayTree, treefile: Treefile) -> None:
    """Empty, so that every machine makes its own; absent (a first boot) if the treefile asks."""
    tree.remove(_MACHINE_ID)
    if treefile.machineid_compat:
        tree.write(_MACHINE_ID, "", 0o444)


def settle_tmp(tree: OverlayTree, treefile: Treefile) -> None:
    """A link into the system root, or a directory with a file system of its own on it."""
    if not treefile.tmp_is_dir:
        tree.remove("tmp")
        tree.symlink("tmp", "sysroot/tmp")
        return
    tree.mkdir("tmp", 0o1777)
    unit = f"{_SYSTEM_UNITS}/{_TMP_MOUNT}"
    example = tree.read("usr/share/systemd/tmp.mount")
    if not tree.exists(unit) and example is not None:
        tree.write(unit, example)
    if tree.exists(unit):
        tree.symlink(f"{_SYSTEM_UNITS}/local-fs.target.wants/{_TMP_MOUNT}", f"../{_TMP_MOUNT}")


def in_tree(name: str) -> str:
    """The path in the tree of a path on the machine: /etc is kept as /usr/etc."""
    path = name.strip("/")
    return f"usr/{path}" if path.startswith(_ETC) or path == "etc" else path
