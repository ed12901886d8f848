"""The tree's kernel with its indices and its initramfs, made by the tree's own programs."""

from __future__ import annotations

import re
import shlex
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.derived import Derived, DerivedCache, TreeState, changed_files
from engine.errors import CommandError, PackageError
from engine.overlay import OverlayTree
from engine.packages.placement import BOOT
from engine.packages.rpmfile import RpmHeader
from engine.sandbox import SHARED, Sandbox

MODULES = "usr/lib/modules"
_PACKAGED = re.compile(r"/boot/vmlinuz-([^/]+)|(?:/usr)?/lib/modules/([^/]+)/vmlinuz")
_IMAGE = "initramfs.img"
_PRIVATE = 0o600
_HARDWARE, _MADE_HARDWARE = "usr/lib/udev/hwdb.bin", "usr/etc/udev/hwdb.bin"
_SECONDS = 1800.0
_PROGRAMS = ("usr/bin/{}", "usr/sbin/{}")


@dataclass(frozen=True)
class Kernel:
    """A kernel version; its files are in usr/lib/modules/VERSION."""

    version: str

    @property
    def folder(self) -> str:
        return f"{MODULES}/{self.version}"

    @property
    def image(self) -> str:
        return f"{self.folder}/vmlinuz"


def kernel_versions(package: RpmHeader) -> set[str]:
    """The versions of the kernels that a package has, none for most packages."""
    found = (_PACKAGED.fullmatch(file.path) for file in package.files())
    return {match[1] or match[2] for match in found if match is not None}


def place_kernel(tree: OverlayTree) -> Kernel:
    """Find the one kernel and move its files from /boot to where OSTree looks for them.

    Raises PackageError when there is none, or more than one.
    """
    found = [
        version
        for version in tree.names(MODULES)
        if tree.exists(f"{MODULES}/{version}/vmlinuz") or tree.exists(f"{BOOT}/vmlinuz-{version}")
    ]
    if len(found) != 1:
        what = f"more than one kernel ({', '.join(found)})" if found else "no kernel"
        raise PackageError(
            f"The tree has {what}.",
            "A tree has exactly one; a treefile's container: true makes one without.",
        )
    kernel = Kernel(found[0])
    for boot_name, name in (("vmlinuz", "vmlinuz"), ("System.map", "System.map")):
        source = f"{BOOT}/{boot_name}-{kernel.version}"
        if tree.exists(source) and not tree.exists(f"{kernel.folder}/{name}"):
            tree.move(source, f"{kernel.folder}/{name}")
    # Debian's and Fedora's kernel packages have it as config-VERSION; Photon's tools read it there
    config = f"{BOOT}/config-{kernel.version}"
    if tree.exists(config) and not tree.exists(f"{kernel.folder}/config"):
        tree.move(config, f"{kernel.folder}/config")
    return kernel


def initramfs_command(kernel: Kernel, arguments: Sequence[str]) -> list[str]:
    """dracut's command line; arguments: the treefile's initramfs-args."""
    return [
        "dracut",
        "--no-hostonly",
        "--reproducible",
        "--add",
        "ostree",
        *arguments,
        "--tmpdir",
        "/tmp",  # noqa: S108 - of the sandbox
        "--force",
        str(SHARED / _IMAGE),
        "--kver",
        kernel.version,
    ]


def kernel_commands(
    tree: OverlayTree, kernel: Kernel, arguments: Sequence[str] | None
) -> list[list[str]]:
    """What is to run in the tree: depmod, the hardware database in /usr (so that no machine makes
    it in /etc at boot), dracut. arguments: the treefile's initramfs-args, None for no initramfs.

    Raises PackageError when the tree has no dracut, but wants an initramfs.
    """
    commands = []
    if _has_program(tree, "depmod"):
        commands.append(["depmod", "-a", kernel.version])
    if not tree.exists(_HARDWARE) and _has_program(tree, "systemd-hwdb"):
        commands.append(["systemd-hwdb", "update", "--usr"])
    if arguments is not None:
        if not _has_program(tree, "dracut"):
            raise PackageError(
                "The tree has no dracut to make an initramfs with.",
                "It needs the packages dracut and ostree (a treefile can set no-initramfs).",
            )
        commands.append(initramfs_command(kernel, arguments))
    return commands


def make_kernel_files(
    kernel: Kernel,
    arguments: Sequence[str] | None,
    sandbox: Sandbox,
    *,
    folder: Path,
    cached: tuple[DerivedCache, TreeState] | None = None,
    etc: Path | None = None,
) -> bool:
    """Run the kernel's commands, or take their results from the cache (True).

    folder: an empty directory. cached: former results, and the state of the tree now. etc: what
    the programs find as /etc, by default the tree's. Raises CommandError with the output of the
    command that fails.
    """
    tree = sandbox.tree
    _move_hardware_database(tree)
    commands = kernel_commands(tree, kernel, arguments)
    if not commands:
        return False
    identity = [shlex.join(command) for command in commands]
    identity.append(f"SOURCE_DATE_EPOCH={sandbox.source_date_epoch}")
    found = cached[0].find(identity, cached[1]) if cached is not None else None
    if found is None:
        derived, opened = _run(commands, sandbox, folder, etc, recorded=cached is not None)
        if cached is not None and opened is not None:
            cached[0].store(identity, cached[1], opened, derived)
    else:
        derived = found
        for path, (mode, content) in derived.files.items():
            tree.write(path, content, mode)
    if derived.image:
        # readable by root only: it may hold secrets from the treefile's files
        tree.write(f"{kernel.folder}/{_IMAGE}", derived.image, _PRIVATE)
    return found is not None


def _move_hardware_database(tree: OverlayTree) -> None:
    if tree.exists(_MADE_HARDWARE):
        tree.move(_MADE_HARDWARE, _HARDWARE)


def _run(
    commands: Sequence[Sequence[str]],
    sandbox: Sandbox,
    folder: Path,
    etc: Path | None,
    *,
    recorded: bool,
) -> tuple[Derived, list[str] | None]:
    """Run the commands; what they made, and what they opened if that is known."""
    program = folder / "run"
    steps = [
        f"echo {shlex.quote(command[0])} >{SHARED}/running; {shlex.join(command)}"
        for command in commands
    ]
    program.write_text("\n".join(["umask 022", "set -e", *steps, ""]))
    before = changed_files(sandbox.tree)
    opened = folder / "opened"
    try:
        sandbox.run(
            ["/bin/sh", str(SHARED / "run")],
            shared=folder,
            isolated=True,
            etc=etc,
            record=opened if recorded else None,
            timeout=_SECONDS,
        )
    except CommandError as error:
        running = folder / "running"
        name = running.read_text().strip() if running.exists() else "The sandbox"
        raise CommandError(
            f"{name} failed in the tree: {error.message.partition(': ')[2] or error.message}",
            error.hint,
            error.detail,
        ) from error
    image = folder / _IMAGE
    after = changed_files(sandbox.tree)
    changed = [path for path, status in after.items() if before.get(path) != status]
    derived = Derived(
        image.read_bytes() if image.exists() else b"",
        {
            path: (stat.S_IMODE(place.stat().st_mode), place.read_bytes())
            for path in sorted(changed)
            if (place := sandbox.tree.upper / path).is_file()
        },
    )
    # a program that removed files, or made links, is more than the cache can repeat
    simple = set(before) <= set(after) and len(derived.files) == len(changed)
    known = opened.read_text().splitlines() if simple and opened.exists() else None
    return derived, known


def _has_program(tree: OverlayTree, name: str) -> bool:
    return any(tree.exists(path.format(name)) for path in _PROGRAMS)
