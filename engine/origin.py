"""Origin files: where a deployment came from and what was changed locally.

The format is rpm-ostree's: a key file with [origin], [packages], [overrides], [rpmostree] and
[libostree-transient]. Groups and keys that are not known here are kept as they are; comments are
not, as with libostree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.errors import OstreeError
from engine.ostree import GLib, OSTree, translated

_ORIGIN, _PACKAGES, _OVERRIDES, _RPMOSTREE = "origin", "packages", "overrides", "rpmostree"
_TRANSIENT = "libostree-transient"
_SOURCES = ("refspec", "baserefspec", "container-image-reference")
# (group, key, default) of what makes a tree differ from its base commit
_LISTS = (
    (_PACKAGES, "requested"),
    (_PACKAGES, "requested-local"),
    (_PACKAGES, "requested-local-fileoverride"),
    (_OVERRIDES, "remove"),
    (_OVERRIDES, "replace-local"),
    (_OVERRIDES, "replace"),
    (_RPMOSTREE, "initramfs-etc"),
)
_SWITCHES = ((_RPMOSTREE, "regenerate-initramfs"), (_RPMOSTREE, "ex-cliwrap"))


class Origin:
    """An origin, never changed in place: methods that change something return another.

    `refspec` is "remote:ref" (or a local ref, or a commit id); whether the file says `refspec`
    or, once anything is assembled locally, `baserefspec`, follows from the rest of the origin.
    """

    def __init__(self, text: str, place: str = "the origin") -> None:
        """Raises OstreeError, naming place, when text is no key file or has several sources."""
        self._file = GLib.KeyFile.new()
        if text.strip():
            with translated(f"read {place}"):
                data = GLib.Bytes.new(text.encode())
                self._file.load_from_bytes(data, GLib.KeyFileFlags.NONE)
        found = [key for key in _SOURCES if self._has(_ORIGIN, key)]
        if len(found) > 1:
            raise OstreeError(
                f"Could not read {place}: it has {' and '.join(found)}, but only one may be there.",
                "Repair the file, or deploy again.",
            )

    @classmethod
    def for_refspec(cls, refspec: str, unconfigured_state: str = "") -> Origin:
        """A pure tree. unconfigured_state: why it cannot be upgraded yet, shown to the user."""
        with translated(f"use the refspec {refspec!r}"):
            OSTree.parse_refspec(refspec)
        origin = cls("")._with(_ORIGIN, "refspec", refspec)
        if unconfigured_state:
            origin = origin._with(_ORIGIN, "unconfigured-state", unconfigured_state)
        return origin

    @classmethod
    def from_native(cls, keyfile: Any, place: str = "the origin") -> Origin:
        """Of the GLib.KeyFile that a deployment carries; empty for None."""
        return cls("" if keyfile is None else keyfile.to_data()[0], place)

    @property
    def native(self) -> Any:
        """A GLib.KeyFile of its own."""
        return Origin(str(self))._file

    def __str__(self) -> str:
        return str(self._file.to_data()[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        return f"Origin({str(self)!r})"

    @property
    def refspec(self) -> str | None:
        """What it follows, pure or as a base; None for containers and hand-made deployments."""
        return self._get(_ORIGIN, "refspec") or self._get(_ORIGIN, "baserefspec")

    @property
    def container(self) -> str | None:
        return self._get(_ORIGIN, "container-image-reference")

    @property
    def override_commit(self) -> str | None:
        """A commit that stays deployed although the ref has moved on (`deploy VERSION`)."""
        return self._get(_ORIGIN, "override-commit")

    @property
    def custom_url(self) -> str | None:
        return self._get(_ORIGIN, "custom-url")

    @property
    def custom_description(self) -> str | None:
        return self._get(_ORIGIN, "custom-description")

    @property
    def unconfigured_state(self) -> str | None:
        return self._get(_ORIGIN, "unconfigured-state")

    @property
    def requested_packages(self) -> tuple[str, ...]:
        return self._list(_PACKAGES, "requested")

    @property
    def requested_local_packages(self) -> tuple[str, ...]:
        """Each "SHA256:NEVRA", where SHA256 is of the RPM's lead, signature and header."""
        return self._list(_PACKAGES, "requested-local")

    @property
    def requested_local_fileoverride_packages(self) -> tuple[str, ...]:
        return self._list(_PACKAGES, "requested-local-fileoverride")

    @property
    def removals(self) -> tuple[str, ...]:
        return self._list(_OVERRIDES, "remove")

    @property
    def local_replacements(self) -> tuple[str, ...]:
        return self._list(_OVERRIDES, "replace-local")

    @property
    def replacements(self) -> tuple[str, ...]:
        return self._list(_OVERRIDES, "replace")

    @property
    def initramfs_etc(self) -> tuple[str, ...]:
        return self._list(_RPMOSTREE, "initramfs-etc")

    @property
    def initramfs_arguments(self) -> tuple[str, ...]:
        return self._list(_RPMOSTREE, "initramfs-args")

    @property
    def regenerate_initramfs(self) -> bool:
        return self._true(_RPMOSTREE, "regenerate-initramfs")

    @property
    def cliwrap(self) -> bool:
        return self._true(_RPMOSTREE, "ex-cliwrap")

    @property
    def pinned(self) -> bool:
        return self._true(_TRANSIENT, "pinned")

    @property
    def assembled(self) -> bool:
        """Whether the deployed tree differs from the commit that the ref names."""
        return any(self._list(group, key) for group, key in _LISTS) or any(
            self._true(group, key) for group, key in _SWITCHES
        )

    def carried_over(self) -> Origin:
        """For a next deployment: without what belongs to this one alone (a pin, an unlock)."""
        other = Origin(str(self))
        if other._file.has_group(_TRANSIENT):
            other._file.remove_group(_TRANSIENT)
        return other

    def for_upgrade(self) -> Origin:
        """For a next deployment of what the ref names, whatever commit this one stays at."""
        return self.carried_over().with_override_commit(None)

    def with_refspec(self, refspec: str) -> Origin:
        """Follow another ref. Drops what described the former one."""
        with translated(f"use the refspec {refspec!r}"):
            OSTree.parse_refspec(refspec)
        other = self
        for key in (*_SOURCES, "override-commit", "custom-url", "custom-description"):
            other = other._with(_ORIGIN, key, None)
        return other._with(_ORIGIN, "refspec", refspec)._consistent()

    def with_override_commit(self, commit: str | None) -> Origin:
        return self._with(_ORIGIN, "override-commit", commit)

    def with_packages(self, requested: Iterable[str]) -> Origin:
        return self._with_list(_PACKAGES, "requested", requested)

    def with_local_packages(self, requested: Iterable[str]) -> Origin:
        return self._with_list(_PACKAGES, "requested-local", requested)

    def with_removals(self, removals: Iterable[str]) -> Origin:
        return self._with_list(_OVERRIDES, "remove", removals)

    def with_local_replacements(self, replacements: Iterable[str]) -> Origin:
        return self._with_list(_OVERRIDES, "replace-local", replacements)

    def with_local_fileoverride_packages(self, requested: Iterable[str]) -> Origin:
        return self._with_list(_PACKAGES, "requested-local-fileoverride", requested)

    def with_replacements(self, replacements: Iterable[str]) -> Origin:
        return self._with_list(_OVERRIDES, "replace", replacements)

    def with_initramfs(self, regenerate: bool, arguments: Iterable[str] = ()) -> Origin:
        """Whether this machine makes an initramfs of its own, and dracut's arguments for it."""
        other = self._with(_RPMOSTREE, "regenerate-initramfs", "true" if regenerate else None)
        return other._with_list(_RPMOSTREE, "initramfs-args", arguments if regenerate else ())

    def with_initramfs_etc(self, files: Iterable[str]) -> Origin:
        """The files of /etc that this machine adds to the initramfs."""
        return self._with_list(_RPMOSTREE, "initramfs-etc", files)

    def _has(self, group: str, key: str) -> bool:
        try:
            return bool(self._file.get_value(group, key) is not None)
        except GLib.Error:
            return False

    def _get(self, group: str, key: str) -> str | None:
        try:
            return str(self._file.get_string(group, key))
        except GLib.Error:
            return None

    def _true(self, group: str, key: str) -> bool:
        return self._get(group, key) == "true"

    def _list(self, group: str, key: str) -> tuple[str, ...]:
        try:
            return tuple(self._file.get_string_list(group, key))
        except GLib.Error:
            return ()

    def _with(self, group: str, key: str, value: str | None) -> Origin:
        other = Origin(str(self))
        if value is not None:
            other._file.set_string(group, key, value)
        elif other._has(group, key):
            other._file.remove_key(group, key)
            if not other._file.get_keys(group)[0]:
                other._file.remove_group(group)
        return other

    def _with_list(self, group: str, key: str, values: Iterable[str]) -> Origin:
        items = list(dict.fromkeys(values))
        if not items:
            return self._with(group, key, None)._consistent()
        other = Origin(str(self))
        other._file.set_string_list(group, key, items)
        return other._consistent()

    def _consistent(self) -> Origin:
        """`refspec` for a pure tree, `baserefspec` for one that was assembled here."""
        refspec = self.refspec
        if refspec is None:
            return self
        right, wrong = ("baserefspec", "refspec") if self.assembled else ("refspec", "baserefspec")
        return self._with(_ORIGIN, wrong, None)._with(_ORIGIN, right, refspec)
