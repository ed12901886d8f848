"""New packages made at home in a tree: their scripts, their users, the owners of their files.

The order is rpm-ostree's: every %pre, declared users, owners, then all other scripts.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence

from engine.events import Emit, LogLine
from engine.packages.capabilities import capability_xattr
from engine.packages.importer import UnpackOptions, owned_files
from engine.packages.placement import placement
from engine.packages.rpmfile import RpmFile, RpmHeader
from engine.postprocess.accounts import Accounts, KnownAccounts, keep_ids
from engine.postprocess.machine_state import fill_var, names_in, own_var
from engine.sandbox import Sandbox
from engine.scriptlets import (
    SCRIPT_SECONDS,
    Scriptlet,
    post_scriptlets,
    pre_scriptlets,
    run_scriptlets,
)
from engine.workplace import Workplace

_SET_ID_BITS = stat.S_ISUID | stat.S_ISGID
_SYSUSERS = "usr/lib/sysusers.d"
_SYSUSERS_PROGRAM = "usr/bin/systemd-sysusers"
_TMPFILES_PROGRAM = "usr/bin/systemd-tmpfiles"
_TMPFILES_PARTLY = (0, 65, 73)  # tmpfiles.d that could not be used, paths that could not be made


class PackageScripts:
    """packages: in the order of the transaction. base: those that the tree had before. limit:
    seconds for one script."""

    def __init__(
        self,
        packages: Sequence[RpmFile],
        base: Sequence[RpmHeader],
        place: Workplace,
        sandbox: Sandbox,
        emit: Emit,
        *,
        limit: float = SCRIPT_SECONDS,
    ) -> None:
        self._packages = packages
        self._base = base
        self._place = place
        self._sandbox = sandbox
        self._tree = sandbox.tree
        self._emit = emit
        self._limit = limit

    def run(
        self, real_path: Callable[[str], str], known: KnownAccounts, unpacked: UnpackOptions
    ) -> frozenset[str]:
        """What was in /var ("var/lib/x") before scripts added to it.

        real_path: of a path of the tree, links followed. known: users and groups that keep their
        ids. Raises PackageError naming the package of a script that fails, or does not end.
        """
        keep_ids(self._tree, known)
        before, after = pre_scriptlets(self._packages), post_scriptlets(self._packages, self._base)
        fill_var(self._place.var, self._packages, self._tree)
        if self._base and (before or after):
            self._fill_var_for_base()
        found = names_in(self._place.var)
        self._run(before, "pre")
        self._make_declared_users()
        accounts = Accounts.of(self._tree)
        self._set_owners(real_path, accounts, unpacked)
        own_var(self._place.var, self._packages, accounts)
        self._run(after, "post")
        return found

    def _run(self, scripts: Sequence[Scriptlet], name: str) -> None:
        shared = self._place.shared(name)
        run_scriptlets(scripts, self._sandbox, shared, self._emit, limit=self._limit)

    def _fill_var_for_base(self) -> None:
        """The machine's /var as the tree's own tmpfiles.d makes it, for scripts that look there."""
        if self._tree.exists(_TMPFILES_PROGRAM):
            command = ["systemd-tmpfiles", "--create", "--prefix=/var"]
            self._sandbox.run(command, accept=_TMPFILES_PARTLY)

    def _make_declared_users(self) -> None:
        """sysusers.d: packages may own files by users that no %pre makes."""
        declared = any(
            placement(file.path).path.startswith(f"{_SYSUSERS}/")
            for package in self._packages
            for file in package.files()
        )
        if declared and self._tree.exists(_SYSUSERS_PROGRAM):
            self._sandbox.run(["systemd-sysusers"])

    def _set_owners(
        self, real_path: Callable[[str], str], accounts: Accounts, unpacked: UnpackOptions
    ) -> None:
        """Owners by name, as the tree's users now say; an unknown one means root, as for rpm."""
        missing: dict[str, str] = {}
        for package in self._packages:
            for file in owned_files(package, unpacked):
                mode = stat.S_IMODE(file.mode)
                for name, ids in ((file.user, accounts.users), (file.group, accounts.groups)):
                    if name not in ids:
                        missing.setdefault(name, package.nevra)
                        mode &= ~_SET_ID_BITS
                self._tree.own(
                    real_path(file.path),
                    accounts.users.get(file.user, 0),
                    accounts.groups.get(file.group, 0),
                    mode,
                    capability_xattr(file.caps) if file.caps else None,
                )
        for name, nevra in missing.items():
            text = f"{nevra} owns files by {name!r}, which no package makes: they belong to root"
            self._emit(LogLine(text, level="warning"))
