"""The tree's kernel and its initramfs, made by the tree's own depmod and dracut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import PackageError
from engine.overlay import OverlayTree
from engine.packages.placement import BOOT
from engine.sandbox import SHARED, Sandbox

MODULES = "usr/lib/modules"
_IMAGE = "initramfs.img"
_PRIVATE = 0o600
_DRACUT_SECONDS = 1800.0
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
            "The treefile's packages must have exactly one; container: true makes a tree without.",
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


def index_modules(kernel: Kernel, sandbox: Sandbox) -> None:
    """depmod: the same output each time, and never one that a machine makes itself."""
    if _has_program(sandbox.tree, "depmod"):
        sandbox.run(["depmod", "-a", kernel.version])


def index_hardware(sandbox: Sandbox) -> None:
    """The hardware database in /usr, so that no machine makes it in /etc at boot."""
    tree = sandbox.tree
    binary, made = "usr/lib/udev/hwdb.bin", "usr/etc/udev/hwdb.bin"
    if tree.exists(made):
        tree.move(made, binary)
    elif not tree.exists(binary) and _has_program(tree, "systemd-hwdb"):
        sandbox.run(["systemd-hwdb", "update", "--usr"])


def dracut_arguments(kernel: Kernel, arguments: Sequence[str]) -> list[str]:
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


def build_initramfs(
    kernel: Kernel, arguments: Sequence[str], sandbox: Sandbox, folder: Path
) -> bytes:
    """The initramfs image. folder: an empty directory.

    Raises PackageError when the tree has no dracut, CommandError with dracut's output.
    """
    if not _has_program(sandbox.tree, "dracut"):
        raise PackageError(
            "The tree has no dracut to make an initramfs with.",
            "Add dracut and ostree to the treefile's packages, or set no-initramfs.",
        )
    sandbox.run(dracut_arguments(kernel, arguments), shared=folder, timeout=_DRACUT_SECONDS)
    return (folder / _IMAGE).read_bytes()


def write_initramfs(tree: OverlayTree, kernel: Kernel, image: bytes) -> None:
    """Readable by root only: it may hold secrets from the treefile's files."""
    tree.write(f"{kernel.folder}/{_IMAGE}", image, _PRIVATE)


def _has_program(tree: OverlayTree, name: str) -> bool:
    return any(tree.exists(path.format(name)) for path in _PROGRAMS)
