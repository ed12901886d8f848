"""compose tree: a treefile and RPM packages become a commit in a repository.

The commit, its metadata and the rules around it are rpm-ostree's: the same input is recognised by
`rpmostree.inputhash`, versions count up by themselves, the parent is the ref's last commit. The
ref moves last: what is interrupted or fails leaves nothing but files in the cache directory.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.assembly import AssembledTree, Assembly
from engine.cancel import CancelToken
from engine.checkout import KeptCheckout
from engine.command import Commands
from engine.commit_metadata import compose_metadata, with_sizes
from engine.committed_file import read_text
from engine.compose_input import Select, Selection, composable_treefile, input_hash
from engine.derived import DerivedCache
from engine.errors import PackageError
from engine.events import Emit, LogLine
from engine.ostree import GLib, translated
from engine.packages.importer import PackageCache, UnpackOptions
from engine.packages.rpmdb import write_database
from engine.packages.rpmfile import RpmFile
from engine.packages.selection import select_packages
from engine.postprocess.accounts import LIB_GROUP, LIB_PASSWD, KnownAccounts
from engine.publish import copy_tree
from engine.repo import Commit, Repo
from engine.root import Root
from engine.scriptlets import refuse_unsupported
from engine.steps import Steps
from engine.treefile import Treefile
from engine.upper import write_changed_tree
from engine.versions import next_version
from engine.workplace import Workplace

UNCHANGED = "No apparent changes since previous commit; use --force-nocache to override"
DEFAULT_CACHE = Path("/var/cache/photree/compose")
_ZLIB_LEVEL = "2"  # level 6 takes three times as long for 5 % less
_STEPS = {
    "treefile": "Read the treefile",
    "packages": "Choose the packages",
    "download": "Download and verify packages",
    "import": "Import packages",
    "assemble": "Put the tree together",
    "scripts": "Run package scripts",
    "postprocess": "Post-process the tree",
    "initramfs": "Make the initramfs",
    "commit": "Commit",
    "publish": "Write to the repository",
}


@dataclass(frozen=True)
class ComposeOptions:
    """repo: made (archive) when missing. metadata: added to the commit, overrides the treefile's.
    force_nocache: commit even when nothing changed. dry_run: stop when the packages are known.
    now: for the commit's time stamp and dates in versions."""

    treefile: Path
    repo: Path
    cachedir: Path = DEFAULT_CACHE
    force_nocache: bool = False
    dry_run: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    arch: str = field(default_factory=lambda: os.uname().machine)
    now: Callable[[], float] = time.time


@dataclass(frozen=True)
class ComposeResult:
    """What a compose ended with. commit: None after a dry run. unchanged: nothing was committed,
    commit is the ref's. packages: name-[epoch:]version-release.arch, sorted."""

    ref: str
    commit: str | None
    version: str | None
    unchanged: bool
    packages: tuple[str, ...]

    @property
    def package_count(self) -> int:
        return len(self.packages)


def compose_tree(
    options: ComposeOptions,
    commands: Commands,
    emit: Emit,
    cancel: CancelToken,
    *,
    select: Select = select_packages,
) -> ComposeResult:
    """Compose, commit, set the ref, update the summary.

    select: chooses the packages. Raises PlanError (treefile), PackageError,
    NetworkError, SignatureError, CommandError, OstreeError, Cancelled. Needs root.
    """
    steps = Steps(_STEPS, emit, cancel)
    with steps("treefile"):
        treefile = composable_treefile(options.treefile, options.arch)
    with _locked(options.cachedir):
        with steps("packages"):
            selection = select(treefile, options.cachedir, commands, emit, cancel)
        packages = selection.resolution.packages
        names = tuple(sorted(package.nevra for package in packages))
        ref = treefile.ref or ""
        if options.dry_run:
            return ComposeResult(ref, None, None, False, names)
        history = _History.open(options.repo, ref)
        digest = input_hash(treefile, packages)
        parent = history.parent
        if parent is not None and not options.force_nocache and _hash_of(parent) == digest:
            emit(LogLine(UNCHANGED))
            return ComposeResult(ref, parent.checksum, parent.version, True, names)
        version = _version(options, treefile, parent)
        compose = _Compose(options, treefile, history, commands=commands, steps=steps)
        commit = compose.run(selection, version, digest)
        return ComposeResult(ref, commit, version, False, names)


@dataclass(frozen=True)
class _History:
    """Where the commit goes, and what is there already."""

    target: Repo
    ref: str
    parent: Commit | None

    @classmethod
    def open(cls, path: Path, ref: str) -> _History:
        """Open the repository, or make one. Its compression is only set where nobody chose one."""
        repo = Repo.open(path) if (path / "objects").is_dir() else Repo.create(path, "archive")
        if repo.mode == "archive":
            config = repo.native.copy_config()
            try:
                config.get_string("archive", "zlib-level")
            except GLib.Error:
                repo.set_option("archive", "zlib-level", _ZLIB_LEVEL)
        tip = repo.resolve(ref)
        return cls(repo, ref, repo.load_commit(tip) if tip is not None else None)

    @property
    def parent_checksum(self) -> str | None:
        return self.parent.checksum if self.parent is not None else None

    def read(self, path: str) -> str:
        """The text of a file of the parent; empty when it has none. Raises OstreeError."""
        if self.parent is None:
            return ""
        return read_text(self.target, self.parent.checksum, path)


class _Compose:
    """Makes one commit of the packages that were chosen."""

    def __init__(
        self,
        options: ComposeOptions,
        treefile: Treefile,
        history: _History,
        *,
        commands: Commands,
        steps: Steps,
    ) -> None:
        self._options = options
        self._treefile = treefile
        self._history = history
        self._commands = commands
        self._step = steps
        self._emit = steps.emit
        self._cancel = steps.cancel
        self._unpack = UnpackOptions(treefile.documentation, treefile.install_langs or None)
        self._place = Workplace(options.cachedir.absolute())
        self._cache = Repo.create(options.cachedir / "pkgcache-repo", "bare")
        self._cache.set_fsync(False)
        self._derived = DerivedCache(options.cachedir / "derived")

    def run(self, selection: Selection, version: str | None, digest: str) -> str:
        """The new commit, which the ref has when this returns."""
        with self._step("download"):
            files = selection.fetch(self._emit, self._cancel)
        try:
            self._place.make()
            root, assembled, packages = self._make_root(files)
            with self._step("postprocess"):
                root.edit(self._place.database, version or "")
                root.settle()
            with self._step("initramfs"):
                kernel = root.add_kernel(assembled.files, self._derived)
            metadata = compose_metadata(
                packages,
                [(repo.id, repo.timestamp) for repo in selection.resolution.repositories],
                digest=digest,
                version=version,
                kernel=kernel,
                initramfs_args=self._treefile.initramfs_args,
                added={**self._treefile.add_commit_metadata, **self._options.metadata},
            )
            with self._step("commit"), self._cache.transaction():
                tree = write_changed_tree(self._cache, assembled.root, root.tree, self._emit)
            with self._step("publish"):
                commit = self._publish(tree, metadata)
        finally:
            self._place.clear()
        return commit

    def _make_root(self, files: Sequence[Path]) -> tuple[Root, AssembledTree, Sequence[RpmFile]]:
        """The root with its scripts run, and the packages in the order of installation."""
        with ThreadPoolExecutor(1) as beside:
            with self._step("import"):
                rpms = sorted((RpmFile.open(path) for path in files), key=lambda rpm: rpm.nevra)
                refuse_unsupported(rpms)
                order = beside.submit(self._write_database, rpms)
                store = PackageCache(self._cache, self._unpack)
                imported = store.import_packages(rpms, self._emit, self._cancel)
            with self._step("assemble"):
                assembly = Assembly(self._cache, imported, _dropped(self._treefile))
                try:
                    with self._cache.transaction():
                        assembled = assembly.write()
                except PackageError:
                    order.result()  # what librpm says about the same packages says more
                    raise
                checkout = KeptCheckout(self._cache, self._place.lower)
                checkout.update(assembled.commit, self._cancel)
                packages = [rpms[index] for index in order.result()]
        root = Root(self._treefile, packages, self._place, self._commands, self._emit)
        _refuse_selinux(self._treefile, root)
        with self._step("scripts"):
            root.run_scripts(assembly, self._known_accounts(), self._unpack)
        return root, assembled, packages

    def _write_database(self, rpms: Sequence[RpmFile]) -> list[int]:
        """The order of installation, as indices; the tree's database records the packages."""
        return write_database(
            [rpm.path for rpm in rpms],
            self._place.database,
            self._commands,
            source_date_epoch=max((rpm.build_time for rpm in rpms), default=0),
        )

    def _known_accounts(self) -> KnownAccounts:
        """preserve-passwd: the ids of the previous commit's users and groups."""
        if not self._treefile.preserve_passwd:
            return KnownAccounts()
        return KnownAccounts(self._history.read(LIB_PASSWD), self._history.read(LIB_GROUP))

    def _publish(self, tree: Any, metadata: Any) -> str:
        """Objects, the commit, the ref, then the summary; returns the commit."""
        history = self._history
        target = history.target
        complete = history.parent is not None and not history.parent.partial
        with target.transaction() as transaction:
            sizes = copy_tree(
                self._cache,
                target,
                (tree.tree_get_contents_checksum(), tree.tree_get_metadata_checksum()),
                known=history.parent_checksum if complete else None,
                emit=self._emit,
                cancel=self._cancel,
            )
            self._cancel.check()
            if sizes is not None:
                metadata = with_sizes(metadata, sizes)
            commit = self._write_commit(tree, metadata)
            transaction.set_ref(history.ref, commit)
        target.update_summary()
        return commit

    def _write_commit(self, tree: Any, metadata: Any) -> str:
        history = self._history
        with translated(f"write the commit to {history.target.path}"):
            _ok, commit = history.target.native.write_commit_with_time(
                history.parent_checksum, "", "", metadata, tree, int(self._options.now()), None
            )
        return str(commit)


def _hash_of(commit: Commit) -> object:
    return commit.metadata.get("rpmostree.inputhash")


def _version(options: ComposeOptions, treefile: Treefile, parent: Commit | None) -> str | None:
    """--add-metadata-string version=V, the next automatic one, the treefile's, or none."""
    given = options.metadata.get("version")
    prefix = treefile.automatic_version_prefix
    if given is not None:
        return given
    if prefix is None:
        fixed = treefile.add_commit_metadata.get("version")
        return str(fixed) if fixed is not None else None
    now = datetime.fromtimestamp(options.now(), UTC)
    last = parent.version if parent is not None else None
    return next_version(prefix, treefile.automatic_version_suffix, last, now)


def _refuse_selinux(treefile: Treefile, root: Root) -> None:
    if treefile.selinux and root.tree.exists("usr/etc/selinux/config"):
        raise PackageError(
            "The tree has an SELinux policy, and labelling files is not supported.",
            'Put "selinux": false into the treefile.',
        )


def _dropped(treefile: Treefile) -> dict[str, list[str]]:
    dropped: dict[str, list[str]] = {}
    for name, *patterns in treefile.remove_from_packages:
        dropped.setdefault(name, []).extend(patterns)
    return dropped


@contextmanager
def _locked(cachedir: Path) -> Iterator[None]:
    """One compose at a time in a cache directory. Raises PackageError when another one runs."""
    cachedir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(cachedir / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PackageError(
                f"Another compose is using {cachedir}.",
                "Wait for it, or use another --cachedir.",
            ) from error
        yield
    finally:
        os.close(descriptor)
