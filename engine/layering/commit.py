"""Carrying a plan out: one commit on top of the base commit, made in one transaction.

The cost is that of the changes: trees are put together by reference, and the base tree's files are
neither linked nor read where a deployment has them. Whatever fails leaves the repository without
the commit; packages that were imported until then stay, for the next attempt.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.command import Commands
from engine.commit_metadata import layer_metadata
from engine.committed_file import content_size, copy_object
from engine.errors import PackageError
from engine.free_space import require_space, same_file_system, whole_blocks
from engine.initramfs import MODULES, Kernel, kernel_versions
from engine.layering.accounts import known_accounts
from engine.layering.base_tree import BaseTree
from engine.layering.lower import overlay_on
from engine.layering.plan import LayerPlan
from engine.layering.root import LayeredRoot
from engine.layering.scratch import scratch
from engine.layering.tree import LayeredTree
from engine.ostree import translated
from engine.packages.importer import ImportedPackage, PackageCache, UnpackOptions
from engine.packages.model import PackageId
from engine.packages.rpmdb import DATABASE, DATABASE_FILE, change_database
from engine.packages.rpmfile import RpmFile, RpmHeader
from engine.packages.stored import stored_package
from engine.repo import Repo
from engine.scriptlets import refuse_unsupported
from engine.steps import Steps
from engine.treebuilder import root_checksums
from engine.upper import write_changed_tree
from engine.workplace import Workplace

STATE = "rpmostree.state-sha512"
_UNPACK = UnpackOptions()
_DATABASES = 2  # a copy to work on, and the object


def find_layers(repo: Repo, plan: LayerPlan, commits: Iterable[str] = ()) -> str | None:
    """A commit that was made by an equal plan and is still there; None when it must be made.

    Looked at are all refs' commits (deployments have refs) and those given.
    """
    for commit in dict.fromkeys((*commits, *repo.refs().values())):
        if repo.has_commit(commit):
            found = repo.load_commit(commit)
            same = found.parent == plan.base and found.metadata.get(STATE) == plan.state
            if same and not found.partial:
                return commit
    return None


def write_layers(
    repo: Repo,
    plan: LayerPlan,
    commands: Commands,
    step: Steps,
    *,
    etc: Path | None = None,
    former: str | None = None,
    deployed: Mapping[str, Path] | None = None,
) -> str:
    """Make the commit of a plan that is not empty; no ref names it yet.

    step: has LAYERING_STEPS. etc: the machine's /etc, for an initramfs of its own. former: the
    commit that these layers take the place of, whose users keep their ids. deployed: commits with
    the root directories of their deployments, which are only read and must stay until this ends.
    Raises PackageError (file conflicts, scripts that fail), CommandError, NetworkError,
    SignatureError, OstreeError, Cancelled. Needs root.
    """
    with _storing(repo), scratch(repo) as place:
        layering = _Layering(repo, plan, place, commands, step, deployed=deployed or {})
        imported = layering.get_packages()
        with repo.transaction():
            return layering.write(imported, etc, former)


@contextmanager
def _storing(repo: Repo) -> Iterator[None]:
    """What the machine's file system refuses is no defect of ours."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise PackageError(
            f"Could not layer packages in {repo.path}: {error.strerror}.",
            "Free some disk space." if full else "",
            str(error),
        ) from error


class _Layering:
    def __init__(
        self,
        repo: Repo,
        plan: LayerPlan,
        place: Workplace,
        commands: Commands,
        step: Steps,
        *,
        deployed: Mapping[str, Path],
    ) -> None:
        self._repo = repo
        self._plan = plan
        self._place = place
        self._commands = commands
        self._step = step
        self._deployed = deployed
        self._base = repo.load_commit(plan.base)
        self._database = plan.database
        gone = {*plan.removed, *(replacement.old for replacement in plan.replaced)}
        self._leaving = [each for each in self._database.packages if each.id in gone]
        self._kept = [each for each in self._database.packages if each.id not in gone]

    def get_packages(self) -> list[ImportedPackage]:
        """Download and unpack what the repository does not have yet."""
        self._require_space()
        missing = [
            package.resolved
            for package in self._plan.packages
            if package.resolved is not None and not package.commit
        ]
        sources, emit, cancel = self._plan.sources, self._step.emit, self._step.cancel
        if missing:
            with self._step("download"):
                files = sources.fetch(missing, emit, cancel)
            with self._step("import"):
                rpms = [RpmFile.open(path) for path in files]
                refuse_unsupported(rpms)
                PackageCache(self._repo, _UNPACK).import_packages(
                    rpms,
                    emit,
                    cancel,
                    resolved={
                        each.head_sha256: package
                        for each, package in zip(rpms, missing, strict=True)
                    },
                )
                sources.drop(files)
        heads = self._place.shared("heads")
        return [self._opened(package.id, heads) for package in self._plan.packages]

    def write(
        self, imported: Sequence[ImportedPackage], etc: Path | None, former: str | None
    ) -> str:
        """The commit; inside a transaction of the repository."""
        packages = [package.rpm for package in imported]
        refuse_unsupported(packages)
        epoch = max([self._base.timestamp, *(package.build_time for package in packages)])
        with self._step("assemble"):
            with ThreadPoolExecutor(1) as pool:  # a process does it, beside the rest
                changed = pool.submit(self._change_database, packages, epoch)
                tree = self._layered_tree(imported)
                written = tree.write()
                overlay = overlay_on(
                    self._repo,
                    written,
                    self._place,
                    base=self._plan.base,
                    deployed=self._deployed,
                    cancel=self._step.cancel,
                )
            order = changed.result()
        root = LayeredRoot(overlay, self._place, self._commands, self._step.emit, epoch)
        if packages:
            with self._step("scripts"):
                known = known_accounts(self._repo, self._plan.base, former, imported)
                ordered = [packages[index] for index in order]
                root.run_scripts(ordered, self._kept, tree.real_path, known, _UNPACK)
        root.write_database(
            f"{self._database.place}/{DATABASE_FILE}",
            self._place.database / DATABASE / DATABASE_FILE,
        )
        kernel = self._make_initramfs(root, packages, etc)
        with self._step("commit"):
            changed_tree = write_changed_tree(
                self._repo, root_checksums(written), root.tree, self._step.emit
            )
            self._step.cancel.check()
            return self._write_commit(changed_tree, packages, kernel, epoch)

    def _require_space(self) -> None:
        """Before anything is downloaded. The size of an initramfs is not known yet."""
        plan, repo = self._plan, self._repo
        want = sum(whole_blocks(each.installed_size) for each in plan.packages if not each.commit)
        want += _DATABASES * content_size(repo, self._database.checksum)
        if same_file_system(plan.sources.cachedir, repo.path):
            want += plan.download_size
        require_space(repo, want, "layer the packages")

    def _opened(self, package: PackageId, heads: Path) -> ImportedPackage:
        stored = stored_package(self._repo, package)
        if stored is None:
            raise PackageError(
                f"The package {package} vanished from the repository {self._repo.path}.",
                "Run it again.",
            )
        return ImportedPackage(stored.open(self._repo, heads), stored.commit)

    def _layered_tree(self, imported: Sequence[ImportedPackage]) -> LayeredTree:
        overriding = {entry.partition(":")[2] for entry in self._plan.changes.local_fileoverride}
        return LayeredTree(
            self._repo,
            self._plan.base,
            self._kept,
            self._leaving,
            imported,
            overriding={each.rpm.name for each in imported if each.rpm.nevra in overriding},
        )

    def _change_database(self, packages: Sequence[RpmFile], epoch: int) -> list[int]:
        """The order of installation, as indices of packages."""
        copy = self._place.database / DATABASE / DATABASE_FILE
        copy.parent.mkdir(parents=True)
        copy_object(self._repo, self._database.checksum, copy)
        return change_database(
            [package.path for package in packages],
            [int(each.header["dbinstance"]) for each in self._leaving],
            self._place.database,
            self._commands,
            source_date_epoch=epoch,
            replace_files=bool(self._plan.changes.local_fileoverride),
        )

    def _make_initramfs(
        self, root: LayeredRoot, packages: Sequence[RpmFile], etc: Path | None
    ) -> Kernel | None:
        """For a new kernel, or when the machine wants its own; else None: the base's stays."""
        changes = self._plan.changes
        touched: list[RpmHeader] = [*packages, *self._leaving]
        if not (changes.makes_initramfs or any(map(kernel_versions, touched))):
            return None
        with self._step("initramfs"):
            own = changes.initramfs_arguments
            arguments: Sequence[str] | None = own or self._base_arguments()
            if not changes.makes_initramfs and not self._has_initramfs():
                arguments = None
            machine = etc if changes.makes_initramfs else None
            return root.make_initramfs(arguments, changes.initramfs_etc, machine)

    def _base_arguments(self) -> tuple[str, ...]:
        return tuple(self._base.metadata.get("rpmostree.initramfs-args", ()))

    def _has_initramfs(self) -> bool:
        version = self._base.metadata.get("ostree.linux", "")
        return (
            BaseTree(self._repo, self._plan.base).file(f"{MODULES}/{version}/initramfs.img")
            is not None
        )

    def _write_commit(
        self, tree: Any, packages: Sequence[RpmFile], kernel: Kernel | None, epoch: int
    ) -> str:
        plan = self._plan
        metadata = layer_metadata(
            self._base.metadata,
            [each.id for each in (*self._kept, *packages)],
            requested=plan.active_requests,
            removed=plan.removed,
            replaced=plan.replaced_by_source,
            repositories=[(each.id, each.timestamp) for each in plan.repositories],
            kernel=kernel,
            state=plan.state,
        )
        with translated(f"write the commit to {self._repo.path}"):
            _ok, commit = self._repo.native.write_commit_with_time(
                plan.base, "", "", metadata, tree, epoch, None
            )
        return str(commit)
