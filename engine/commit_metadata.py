"""The metadata of a composed commit, as rpm-ostree writes and reads it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import OstreeError
from engine.initramfs import Kernel
from engine.ostree import GLib
from engine.packages.rpmfile import RpmFile


def compose_metadata(
    packages: Sequence[RpmFile],
    repositories: Sequence[tuple[str, int]],
    *,
    digest: str,
    version: str | None,
    kernel: Kernel | None,
    initramfs_args: Sequence[str],
    added: Mapping[str, Any],
) -> Any:
    """The a{sv} of a commit. repositories: id and time stamp (seconds since 1970). digest: of the
    input. added: what the treefile and the caller ask for; the rest goes over it."""
    metadata = {name: _as_variant(name, value) for name, value in added.items()}
    if version is not None:
        metadata["version"] = GLib.Variant("s", version)
    metadata["rpmostree.inputhash"] = GLib.Variant("s", digest)
    metadata["rpmostree.rpmmd-repos"] = GLib.Variant(
        "aa{sv}",
        [
            {"id": GLib.Variant("s", name), "timestamp": GLib.Variant("t", _big_endian(stamp))}
            for name, stamp in repositories
        ],
    )
    metadata["rpmostree.rpmdb.pkglist"] = GLib.Variant(
        "a(sssss)",
        sorted((rpm.name, str(rpm.epoch), rpm.version, rpm.release, rpm.arch) for rpm in packages),
    )
    if kernel is not None:
        metadata["ostree.linux"] = GLib.Variant("s", kernel.version)
        metadata["ostree.bootable"] = GLib.Variant("b", True)
        metadata["rpmostree.initramfs-args"] = GLib.Variant("as", [*initramfs_args])
    return GLib.Variant("a{sv}", metadata)


def with_sizes(metadata: Any, sizes: Any) -> Any:
    """metadata with the commit's `ostree.sizes` (aay, as `engine.objects` packs its entries)."""
    values = GLib.VariantDict.new(metadata)
    values.insert_value("ostree.sizes", sizes)
    return values.end()


def _big_endian(stamp: int) -> int:
    """rpm-ostree stores the time stamps of a composed commit, unlike those of a layered one, in
    network order, and its `status -v` reads them so."""
    return int.from_bytes(stamp.to_bytes(8, "big"), sys.byteorder)


def _as_variant(name: str, value: Any) -> Any:
    """A value from JSON. Raises OstreeError for what a commit cannot hold."""
    match value:
        case bool():
            return GLib.Variant("b", value)
        case int():
            return GLib.Variant("x", value)
        case str():
            return GLib.Variant("s", value)
        case float():
            return GLib.Variant("d", value)
        case list() | tuple():
            return GLib.Variant("av", [_as_variant(name, item) for item in value])
        case dict():
            items = {key: _as_variant(name, item) for key, item in value.items()}
            return GLib.Variant("a{sv}", items)
    raise OstreeError(
        f"add-commit-metadata: {name} is {value!r}, which a commit cannot hold.",
        "Use text, numbers, true or false, lists and objects.",
    )
