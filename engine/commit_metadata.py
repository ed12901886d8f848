"""The metadata of composed and of layered commits, as rpm-ostree writes and reads it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.errors import OstreeError
from engine.initramfs import Kernel
from engine.ostree import GLib
from engine.packages.importer import nevra_variant
from engine.packages.model import PackageId
from engine.packages.rpmfile import RpmFile

_CLIENT_LAYER_VERSION = 6


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
    metadata["rpmostree.rpmmd-repos"] = _repositories(
        [(name, _big_endian(stamp)) for name, stamp in repositories]
    )
    metadata["rpmostree.rpmdb.pkglist"] = _package_list(rpm.id for rpm in packages)
    if kernel is not None:
        metadata["ostree.linux"] = GLib.Variant("s", kernel.version)
        metadata["ostree.bootable"] = GLib.Variant("b", True)
        metadata["rpmostree.initramfs-args"] = GLib.Variant("as", [*initramfs_args])
    return GLib.Variant("a{sv}", metadata)


def layer_metadata(
    base: Mapping[str, Any],
    packages: Iterable[PackageId],
    *,
    requested: Sequence[str],
    removed: Sequence[PackageId],
    replaced: Mapping[str, Sequence[tuple[PackageId, PackageId]]],
    repositories: Sequence[tuple[str, int]],
    kernel: Kernel | None,
    state: str,
) -> Any:
    """The a{sv} of a commit that was layered on a base commit, whose metadata is base.

    packages: all of the tree. replaced: pairs of what is new and what was in its place, by where
    the new one came from: "repo=ID", or "" for local packages. kernel: a new one, None when it is
    the base's. state: a digest of the input. rpm-ostree wants every key.
    """
    remote = {source: _pairs(pairs) for source, pairs in replaced.items() if source}
    metadata = {
        "rpmostree.clientlayer": GLib.Variant("b", True),
        "rpmostree.clientlayer_version": GLib.Variant("u", _CLIENT_LAYER_VERSION),
        "rpmostree.rpmmd-repos": _repositories(repositories),
        "rpmostree.packages": GLib.Variant("as", [*requested]),
        "rpmostree.modules": GLib.Variant("as", []),
        "rpmostree.removed-base-packages": GLib.Variant("av", [*map(nevra_variant, removed)]),
        "rpmostree.replaced-base-packages": _pairs(replaced.get("", ())),
        "rpmostree.replaced-base-remote-packages": GLib.Variant("a{sv}", remote),
        "rpmostree.rpmdb.pkglist": _package_list(packages),
        "rpmostree.state-sha512": GLib.Variant("s", state),
    }
    if "version" in base:
        metadata["version"] = GLib.Variant("s", base["version"])
    version = kernel.version if kernel is not None else base.get("ostree.linux")
    if version is not None:
        metadata["ostree.linux"] = GLib.Variant("s", version)
    if kernel is not None or base.get("ostree.bootable"):
        metadata["ostree.bootable"] = GLib.Variant("b", True)
    return GLib.Variant("a{sv}", metadata)


def with_sizes(metadata: Any, sizes: Any) -> Any:
    """metadata with the commit's `ostree.sizes` (aay, as `engine.objects` packs its entries)."""
    values = GLib.VariantDict.new(metadata)
    values.insert_value("ostree.sizes", sizes)
    return values.end()


def _repositories(repositories: Iterable[tuple[str, int]]) -> Any:
    return GLib.Variant(
        "aa{sv}",
        [
            {"id": GLib.Variant("s", name), "timestamp": GLib.Variant("t", stamp)}
            for name, stamp in repositories
        ],
    )


def _pairs(packages: Iterable[tuple[PackageId, PackageId]]) -> Any:
    return GLib.Variant(
        "a(vv)", [(nevra_variant(new), nevra_variant(old)) for new, old in packages]
    )


def _package_list(packages: Iterable[PackageId]) -> Any:
    """By GLib's parser: it is ten times as fast as one value after the other."""
    rows = sorted(
        (each.name, str(each.epoch), each.version, each.release, each.arch) for each in packages
    )
    text = ", ".join(f"({', '.join(map(_quoted, row))})" for row in rows)
    return GLib.Variant.parse(GLib.VariantType("a(sssss)"), f"[{text}]", None, None)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


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
