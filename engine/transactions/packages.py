"""Layer packages on the base tree, take them off again, override packages of the base tree."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from engine.cancel import CancelToken
from engine.errors import PackageError
from engine.events import Emit, LogLine
from engine.layering.candidates import find_candidates
from engine.layering.changes import RepositoryReplacement
from engine.layering.local_packages import import_local
from engine.layering.plan import LayerPlan
from engine.origin import Origin
from engine.packages.brought import bring_packages, is_package_file
from engine.packages.host_repositories import RepositoryChoice
from engine.packages.model import ResolvedPackage
from engine.packages.nearby import meant
from engine.transactions.host import Host, HostTransaction
from engine.transactions.next_deployment import NextDeployment
from engine.transactions.overrides import Overrides, is_called, local_package
from engine.transactions.transaction import Result


@dataclass(frozen=True)
class ChangePackages(HostTransaction):
    """install: names, absolute paths or URLs of RPM files; uninstall: names, or NEVRAs of local
    packages. override_remove: names of base packages; override_replace: RPM files that take a base
    package's place, or names of packages of the repositories that do; override_reset: names whose
    overrides end, or "*" for all.

    replace_from: the id of the repository that names of override_replace are looked for in, ""
    for all. freeze: they are replaced by what is found now, also when the repository has something
    else later; a name with a version is always meant so.

    idempotent: what is there already, or is not there, is no error. allow_inactive: requests that
    the base tree fulfils are no error. dry_run: say what would change, and change nothing.
    """

    kind: ClassVar[str] = "packages"
    install: tuple[str, ...] = ()
    uninstall: tuple[str, ...] = ()
    override_remove: tuple[str, ...] = ()
    override_replace: tuple[str, ...] = ()
    override_reset: tuple[str, ...] = ()
    replace_from: str = ""
    freeze: bool = False
    idempotent: bool = False
    allow_inactive: bool = False
    dry_run: bool = False
    lock_finalization: bool = False
    disabled_repositories: tuple[str, ...] = ()
    enabled_repositories: tuple[str, ...] = ()
    only_repositories: tuple[str, ...] = ()
    cached: bool = False

    @property
    def title(self) -> str:
        parts = {
            "install": self.install,
            "uninstall": self.uninstall,
            "override remove": self.override_remove,
            "override replace": self.override_replace,
            "override reset": self.override_reset,
        }
        return ", ".join(" ".join([verb, *words]) for verb, words in parts.items() if words)

    def change(self, host: Host, emit: Emit, cancel: CancelToken) -> Result:
        choice = RepositoryChoice(
            self.disabled_repositories, self.enabled_repositories, self.only_repositories
        )
        following = NextDeployment(host, emit, cancel, choice, cached=self.cached)
        former = host.newest
        before = former.origin.carried_over()
        base = following.base_of(former).checksum
        request = _Request(self, following, base, emit, cancel)
        origin = request.apply(before)
        if origin == before:
            return Result(False, "No change.")
        plan = following.plan(origin, base)
        if plan is not None and not self.allow_inactive:
            plan.require_active(request.asked)
        if self.dry_run:
            return Result(True, "\n".join(planned_lines(plan)), details=_details(plan))
        made = following.deploy(
            origin, following.carry_out(plan, base), locked=self.lock_finalization
        )
        return Result(True, following.describe_change(made), made.id, details=_details(plan))


class _Request:
    """Turns one origin into the next, for a tree made of the base commit. asked: entries of the
    origin that were asked for now."""

    def __init__(
        self,
        transaction: ChangePackages,
        following: NextDeployment,
        base: str,
        emit: Emit,
        cancel: CancelToken,
    ) -> None:
        self.asked: list[str] = []
        self._wanted = transaction
        self._following = following
        self._base = base
        self._emit = emit
        self._cancel = cancel

    def apply(self, origin: Origin) -> Origin:
        """Raises PackageError for what is requested already, or not at all."""
        origin = self._end_overrides(origin)
        origin = self._uninstall(origin)
        files = [word for word in self._wanted.install if is_package_file(word)]
        names = [word for word in self._wanted.install if not is_package_file(word)]
        origin = self._add_names(origin, names)
        origin = self._add_files(origin, files)
        return self._override(origin)

    def _add_names(self, origin: Origin, names: Sequence[str]) -> Origin:
        present = origin.requested_packages
        for name in names:
            if name in present and not self._wanted.idempotent:
                raise PackageError(
                    f'Package/capability "{name}" is already requested.',
                    "Use --idempotent if that is no error.",
                )
        self.asked += [name for name in names if name not in present]
        return origin.with_packages([*present, *names])

    def _add_files(self, origin: Origin, files: Sequence[str]) -> Origin:
        entries = self._imported(files)
        names = {local_package(entry).name for entry in entries}
        kept = [
            entry
            for entry in origin.requested_local_packages
            if local_package(entry).name not in names  # another build takes its place
        ]
        present = origin.requested_local_packages
        again = [entry for entry in entries if entry in present]
        if again and not self._wanted.idempotent:
            raise PackageError(
                f"{local_package(again[0]).nevra} is already requested.",
                "Use --idempotent if that is no error.",
            )
        self.asked += [entry for entry in entries if entry not in present]
        return origin.with_local_packages([*kept, *entries])

    def _uninstall(self, origin: Origin) -> Origin:
        names, local = list(origin.requested_packages), list(origin.requested_local_packages)
        for word in self._wanted.uninstall:
            entries = [entry for entry in local if is_called(local_package(entry), word)]
            if word in names:
                names.remove(word)
            elif entries:
                local = [entry for entry in local if entry not in entries]
            elif not self._wanted.idempotent:
                known = [*names, *(local_package(entry).name for entry in local)]
                raise PackageError(
                    f'Package/capability "{word}" is not requested.',
                    meant(word, known, 3) or f"Requested are: {', '.join(known) or 'none'}.",
                )
        return origin.with_packages(names).with_local_packages(local)

    def _override(self, origin: Origin) -> Origin:
        removed, words = self._wanted.override_remove, self._wanted.override_replace
        if not removed and not words:
            return origin
        entries = self._imported([word for word in words if is_package_file(word)])
        named = self._from_repositories([word for word in words if not is_package_file(word)])
        new = Overrides(removed, (*entries, *named.local), named.following)
        self.asked += new.requests
        return Overrides.of(origin).with_new(new).put_into(origin)

    def _from_repositories(self, words: Sequence[str]) -> Overrides:
        if not words:
            return Overrides()
        wanted, emit, cancel = self._wanted, self._emit, self._cancel
        sources, arch = self._following.sources(self._base), os.uname().machine
        found = find_candidates(sources, words, wanted.replace_from, emit, cancel, arch=arch)
        following: list[RepositoryReplacement] = []
        frozen: list[ResolvedPackage] = []
        for word, package in zip(words, found, strict=True):
            by_name = word in (package.name, f"{package.name}.{package.arch}")
            if wanted.freeze or not by_name:
                frozen.append(package)
            else:
                following.append(RepositoryReplacement(package.repo_id, package.name))
        if not frozen:
            return Overrides(following=tuple(following))
        paths = sources.fetch(frozen, emit, cancel)
        entries = self._import(paths)
        sources.drop(paths)
        return Overrides(local=entries, following=tuple(following))

    def _end_overrides(self, origin: Origin) -> Origin:
        if "*" in self._wanted.override_reset:
            return Overrides().put_into(origin)
        for word in self._wanted.override_reset:
            present = Overrides.of(origin)
            left = present.without(word)
            if left == present:
                raise PackageError(
                    f'There is no override of the package "{word}".',
                    "`photree status` shows the overrides there are.",
                )
            origin = left.put_into(origin)
        return origin

    def _imported(self, words: Sequence[str]) -> tuple[str, ...]:
        if not words:
            return ()
        with tempfile.TemporaryDirectory(prefix="photree-packages-", dir="/var/tmp") as folder:
            paths = bring_packages(words, Path(folder), self._emit, self._cancel, "packages")
            for path in paths:
                self._emit(LogLine(f"{path.name}: local packages are not checked for a signature"))
            return self._import(paths)

    def _import(self, paths: Sequence[Path]) -> tuple[str, ...]:
        return import_local(
            self._following.repo, paths, self._emit, self._cancel, arch=os.uname().machine
        )


def planned_lines(plan: LayerPlan | None) -> Iterable[str]:
    """What would change against the base tree, as rpm-ostree words it."""
    if plan is None or plan.is_empty:
        yield "The base tree alone would be deployed."
        return
    for title, lines in (
        ("Removed", [each.nevra for each in plan.removed]),
        ("Replaced", [f"{each.old.nevra} -> {each.new.nevra}" for each in plan.replaced]),
        ("Added", sorted(each.id.nevra for each in plan.added)),
    ):
        if lines:
            yield f"{title}:"
            yield from (f"  {line}" for line in lines)


def _details(plan: LayerPlan | None) -> dict[str, Any]:
    if plan is None:
        return {}
    return {
        "added": sorted(each.id.nevra for each in plan.added),
        "removed": [each.nevra for each in plan.removed],
        "replaced": [[each.old.nevra, each.new.nevra] for each in plan.replaced],
        "inactive": [each.message for each in plan.inactive],
        "download": plan.download_size,
    }
