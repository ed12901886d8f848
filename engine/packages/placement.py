"""Where a packaged path goes in an OSTree tree: /usr, /usr/etc, or an entry for systemd-tmpfiles.

A tree owns /usr (and /etc's defaults in /usr/etc). /var, and what links there, belongs to the
machine: packages' directories there become tmpfiles entries, their files are kept as factory
copies. The mapping is rpm-ostree's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

BOOT = "usr/lib/ostree-boot"
OPT = "usr/lib/opt"
FACTORY = "usr/share/factory"

# directories of the root that the tree has as links to below /var or /run
LINKED = {
    "home": "var/home",
    "media": "run/media",
    "mnt": "var/mnt",
    "opt": "var/opt",
    "root": "var/roothome",
    "srv": "var/srv",
    "usr/local": "var/usrlocal",
}
_MERGED = frozenset({"bin", "sbin", "lib", "lib32", "lib64", "libx32"})
_MOUNT_POINTS = frozenset({"", "dev", "proc", "sys", "sysroot", "ostree", "tmp"})
_RUNTIME = {"var/run": "run", "var/lock": "run/lock"}


class Area(Enum):
    """What becomes of a path."""

    TREE = "tree"  # a file or directory of the tree
    VAR = "var"  # made on the machine: below /var
    RUN = "run"  # made on the machine at each boot: below /run
    SKELETON = "skeleton"  # every tree has it, packages add nothing
    REFUSED = "refused"  # no place for it


@dataclass(frozen=True)
class Placement:
    """path: relative to the root of the tree (TREE) or of the machine (VAR, RUN)."""

    area: Area
    path: str


def placement(packaged: str) -> Placement:
    """The place of an absolute path from a package's file list."""
    path = packaged.strip("/")
    for runtime, target in _RUNTIME.items():
        if _below(path, runtime):
            return _runtime(target + path[len(runtime) :])
    for linked, target in LINKED.items():
        if linked != "opt" and _below(path, linked):
            return _on_machine(path, linked, target)
    top, _, rest = path.partition("/")
    if top in _MOUNT_POINTS:
        return Placement(Area.SKELETON, path)
    if top == "usr" or (top in _MERGED and not rest):
        return Placement(Area.TREE, path)
    if top == "etc" or top in _MERGED:
        return Placement(Area.TREE, f"usr/{path}")
    return _elsewhere(path, top, rest)


def on_machine(path: str) -> str:
    """The absolute path that programs know a path of the tree by."""
    for inside, outside in (("usr/etc", "etc"), (BOOT, "boot"), (OPT, "opt")):
        if _below(path, inside):
            return f"/{outside}{path[len(inside) :]}"
    return f"/{path}"


def _elsewhere(path: str, top: str, rest: str) -> Placement:
    """Below /boot, /opt, /run and /var, or a name of its own in the root."""
    if top == "run":
        return _runtime(path)
    if top not in ("boot", "opt", "var"):
        return Placement(Area.REFUSED, path)
    if not rest:
        return Placement(Area.SKELETON, path)
    if top == "var":
        return Placement(Area.VAR, path)
    return Placement(Area.TREE, f"{BOOT if top == 'boot' else OPT}/{rest}")


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _on_machine(path: str, linked: str, target: str) -> Placement:
    if path == linked:
        return Placement(Area.SKELETON, path)
    moved = target + path[len(linked) :]
    return _runtime(moved) if target.startswith("run/") else Placement(Area.VAR, moved)


def _runtime(path: str) -> Placement:
    return Placement(Area.SKELETON if path == "run" else Area.RUN, path)
