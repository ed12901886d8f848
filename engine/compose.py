"""compose tree: a treefile and RPM packages become a commit in a repository.

The commit, its metadata and the rules around it are rpm-ostree's: the same input is recognised by
`rpmostree.inputhash`, versions count up by themselves, the parent is the ref's last commit. The
ref moves last: what is interrupted or fails leaves nothing but files in the cache directory.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.assembly import AssembledTree, Assembly
from engine.cancel import CancelToken
from engine.command import Commands
from engine.errors import OstreeError, PackageError, PlanError, Problem
from engine.events import Emit, LogLine, StepFinished, StepStarted
from engine.initramfs import Kernel
from engine.ostree import GLib, OSTree, run_blocking, translated
from engine.packages.importer import ImportedPackage, PackageCache, UnpackOptions
from engine.packages.rpmdb import write_database
from engine.packages.rpmfile import RpmFile
from engine.postprocess.accounts import LIB_GROUP, LIB_PASSWD, KnownAccounts
from engine.publish import copy_objects
from engine.repo import Commit, Repo
from engine.root import Root, Workplace
from engine.treefile import Treefile, load_treefile, unsupported_keys
from engine.upper import write_changed_tree
from engine.versions import next_version

UNCHANGED = "No apparent changes since previous commit; use --force-nocache to override"
DEFAULT_CACHE = Path("/var/cache/photree/compose")
_FORMAT = 1  # counts changes of what the same input becomes
_ZLIB_LEVEL = "2"  # level 6 takes three times as long for 5 % less
SUPPORTED_KEYS = frozenset(
    {"ref", "documentation", "install-langs", "remove-from-packages", "selinux", "boot-location"}
    | {"tmp-is-dir", "machineid-compat", "initramfs-args", "no-initramfs", "container", "rpmdb"}
    | {"rpmdb-normalize", "ignore-devices", "etc-group-members", "preserve-passwd", "sysusers"}
    | {"units", "default-target", "mutate-os-release", "add-files", "remove-files"}
    | {"postprocess", "postprocess-script", "automatic-version-prefix"}
    | {"automatic-version-suffix", "add-commit-metadata", "repo-metadata"}
)
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


@dataclass(frozen=True)
class SelectedPackage:
    """checksum: of the RPM file, as the repository's metadata has it."""

    nevra: str
    checksum: str


@dataclass(frozen=True)
class Selection:
    """The packages of a tree. repositories: id and time stamp of the metadata. fetch: downloads
    and verifies what is missing; the files in the order of packages."""

    packages: tuple[SelectedPackage, ...]
    repositories: tuple[tuple[str, int], ...]
    fetch: Callable[[], Sequence[Path]]


Select = Callable[[Treefile, Path, Emit, CancelToken], Selection]


def compose_tree(
    options: ComposeOptions, select: Select, commands: Commands, emit: Emit, cancel: CancelToken
) -> ComposeResult:
    """Compose, commit, set the ref, update the summary.

    select: chooses the packages of a treefile (`engine.packages.select_packages`, or plain files).
    Raises PlanError (treefile), PackageError, NetworkError, SignatureError, CommandError,
    OstreeError, Cancelled. Needs root.
    """
    steps = _Steps(emit)
    with steps("treefile"):
        treefile = _checked_treefile(options)
    with _locked(options.cachedir):
        with steps("packages"):
            selection = select(treefile, options.cachedir, emit, cancel)
        return _Compose(options, treefile, selection, commands, emit, cancel, steps).run()


class _Steps:
    """Announces the steps of a compose, numbered."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        start = time.monotonic()
        index = list(_STEPS).index(step) + 1
        self._emit(StepStarted(step, _STEPS[step], index, len(_STEPS)))
        yield
        self._emit(StepFinished(step, time.monotonic() - start))


class _Compose:
    """One compose, once the packages are chosen."""

    def __init__(
        self,
        options: ComposeOptions,
        treefile: Treefile,
        selection: Selection,
        commands: Commands,
        emit: Emit,
        cancel: CancelToken,
        steps: _Steps,
    ) -> None:
        self._options = options
        self._treefile = treefile
        self._selection = selection
        self._commands = commands
        self._emit = emit
        self._cancel = cancel
        self._step = steps
        self._ref = treefile.ref or ""
        self._unpack = UnpackOptions(treefile.documentation, treefile.install_langs or None)
        self._place = Workplace(options.cachedir / "work")

    def run(self) -> ComposeResult:
        names = tuple(sorted(package.nevra for package in self._selection.packages))
        if self._options.dry_run:
            return ComposeResult(self._ref, None, None, False, names)
        target = _target_repo(self._options.repo)
        parent = _last_commit(target, self._ref)
        digest = input_hash(self._treefile, self._selection.packages)
        unchanged = parent is not None and parent.metadata.get("rpmostree.inputhash") == digest
        if unchanged and parent is not None and not self._options.force_nocache:
            self._emit(LogLine(UNCHANGED))
            return ComposeResult(self._ref, parent.checksum, parent.version, True, names)
        version = self._version(parent)
        with self._step("download"):
            files = self._selection.fetch()
        cache = Repo.create(self._options.cachedir / "pkgcache-repo", "bare")
        cache.set_fsync(False)
        try:
            self._place.make()
            commit = self._compose(cache, target, parent, files, version, digest)
        finally:
            self._place.clear()
        return ComposeResult(self._ref, commit, version, False, names)

    def _compose(
        self,
        cache: Repo,
        target: Repo,
        parent: Commit | None,
        files: Sequence[Path],
        version: str | None,
        digest: str,
    ) -> str:
        with self._step("import"):
            rpms = sorted((RpmFile.open(path) for path in files), key=lambda rpm: rpm.nevra)
            store = PackageCache(cache, self._unpack)
            imported = store.import_packages(rpms, self._emit, self._cancel)
        with self._step("assemble"):
            imported, database = self._transaction(imported)
            assembly = Assembly(cache, imported, _dropped(self._treefile))
            with cache.transaction():
                assembled = assembly.write()
            self._check_out(cache, assembled)
        packages = [package.rpm for package in imported]
        root = Root(self._treefile, packages, self._place, self._commands, self._emit)
        _refuse_selinux(self._treefile, root)
        with self._step("scripts"):
            root.run_scripts(assembly, self._known_accounts(target, parent), self._unpack)
        with self._step("postprocess"):
            root.edit(database, version or "")
            root.settle()
        with self._step("initramfs"):
            kernel = root.add_kernel()
        metadata = self._metadata(packages, kernel, version, digest)
        with self._step("commit"):
            commit = self._commit(cache, assembled, root, parent, metadata)
        with self._step("publish"):
            self._publish(cache, target, commit, parent)
        return commit

    def _transaction(
        self, imported: Sequence[ImportedPackage]
    ) -> tuple[list[ImportedPackage], Path]:
        """The packages in the order of installation, and the database that records them."""
        result = write_database(
            [package.rpm.path for package in imported],
            self._place.database,
            self._commands,
            max((package.rpm.build_time for package in imported), default=0),
        )
        return [imported[index] for index in result.order], result.database

    def _check_out(self, cache: Repo, assembled: AssembledTree) -> None:
        """The tree as hardlinks to the repository's objects."""
        options = OSTree.RepoCheckoutAtOptions()
        options.mode = OSTree.RepoCheckoutMode.NONE
        options.no_copy_fallback = True
        with translated(f"check out the packages to {self._place.lower}"):
            run_blocking(
                lambda native: cache.native.checkout_at(
                    options, -1, str(self._place.lower), assembled.commit, native
                ),
                self._cancel,
            )

    def _known_accounts(self, target: Repo, parent: Commit | None) -> KnownAccounts:
        """preserve-passwd: the ids of the previous commit's users and groups."""
        if parent is None or not self._treefile.preserve_passwd:
            return KnownAccounts()
        return KnownAccounts(
            _read_text(target, parent, LIB_PASSWD), _read_text(target, parent, LIB_GROUP)
        )

    def _version(self, parent: Commit | None) -> str | None:
        """--add-metadata-string version=V, or the next automatic one, or none."""
        given = self._options.metadata.get("version")
        prefix = self._treefile.automatic_version_prefix
        if given is not None or prefix is None:
            return given or self._treefile.add_commit_metadata.get("version")
        now = datetime.fromtimestamp(self._options.now(), UTC)
        suffix = self._treefile.automatic_version_suffix
        return next_version(prefix, suffix, parent.version if parent else None, now)

    def _metadata(
        self, packages: Sequence[RpmFile], kernel: Kernel | None, version: str | None, digest: str
    ) -> dict[str, Any]:
        """The commit's metadata as GLib.Variant values."""
        treefile = self._treefile
        metadata = {
            name: _as_variant(value)
            for name, value in {**treefile.add_commit_metadata, **self._options.metadata}.items()
        }
        if version is not None:
            metadata["version"] = GLib.Variant("s", version)
        metadata["rpmostree.inputhash"] = GLib.Variant("s", digest)
        metadata["rpmostree.rpmmd-repos"] = GLib.Variant(
            "aa{sv}",
            [
                {"id": GLib.Variant("s", name), "timestamp": GLib.Variant("t", stamp)}
                for name, stamp in self._selection.repositories
            ],
        )
        metadata["rpmostree.rpmdb.pkglist"] = GLib.Variant(
            "a(sssss)",
            sorted(
                (rpm.name, str(rpm.epoch), rpm.version, rpm.release, rpm.arch) for rpm in packages
            ),
        )
        if kernel is not None:
            metadata["ostree.linux"] = GLib.Variant("s", kernel.version)
            metadata["ostree.bootable"] = GLib.Variant("b", True)
            metadata["rpmostree.initramfs-args"] = GLib.Variant("as", [*treefile.initramfs_args])
        return metadata

    def _commit(
        self,
        cache: Repo,
        assembled: AssembledTree,
        root: Root,
        parent: Commit | None,
        metadata: Mapping[str, Any],
    ) -> str:
        """The commit object in the cache repository, without a ref."""
        with cache.transaction():
            written, _native = write_changed_tree(cache, assembled.root, root.tree, self._emit)
            with translated("write the commit"):
                _ok, commit = cache.native.write_commit_with_time(
                    parent.checksum if parent else None,
                    "",
                    "",
                    GLib.Variant("a{sv}", dict(metadata)),
                    written,
                    int(self._options.now()),
                    None,
                )
        return str(commit)

    def _publish(self, cache: Repo, target: Repo, commit: str, parent: Commit | None) -> None:
        """Objects, then the ref, then the summary."""
        known = parent.checksum if parent is not None and not parent.partial else None
        with target.transaction() as transaction:
            copy_objects(cache, target, commit, known, self._emit, self._cancel)
            self._cancel.check()
            transaction.set_ref(self._ref, commit)
        target.update_summary()


def input_hash(treefile: Treefile, packages: Sequence[SelectedPackage]) -> str:
    """What a tree is made of, as one number: the treefile, the files it names, the packages."""
    files = [name for name, _target in treefile.add_files]
    if treefile.postprocess_script is not None:
        files.append(treefile.postprocess_script)
    content = {
        "format": _FORMAT,
        "treefile": treefile.to_json(),
        "files": [hashlib.sha256(treefile.source(name).read_bytes()).hexdigest() for name in files],
        "packages": sorted((package.nevra, package.checksum) for package in packages),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _checked_treefile(options: ComposeOptions) -> Treefile:
    """Raises PlanError with every problem."""
    treefile = load_treefile(options.treefile, options.arch)
    problems = list(unsupported_keys(treefile, SUPPORTED_KEYS))
    if not treefile.ref:
        problems.append(Problem(str(options.treefile), 'the key "ref" is missing'))
    if treefile.boot_location not in ("new", "modules"):
        problems.append(
            Problem(treefile.place("boot-location"), 'only the boot-location "new" is supported')
        )
    if problems:
        raise PlanError(f"The treefile {options.treefile} cannot be composed.", problems)
    return treefile


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


def _target_repo(path: Path) -> Repo:
    """The repository to publish in; its compression is only set where nobody chose one."""
    repo = Repo.open(path) if (path / "objects").is_dir() else Repo.create(path, "archive")
    if repo.mode == "archive":
        config = repo.native.copy_config()
        try:
            config.get_string("archive", "zlib-level")
        except GLib.Error:
            repo.set_option("archive", "zlib-level", _ZLIB_LEVEL)
    return repo


def _last_commit(repo: Repo, ref: str) -> Commit | None:
    checksum = repo.resolve(ref)
    return repo.load_commit(checksum) if checksum is not None else None


def _read_text(repo: Repo, commit: Commit, path: str) -> str:
    """A file of a commit; empty when it has none. Raises OstreeError."""
    with translated(f"read {path} of {commit.checksum}"):
        _ok, root, _checksum = repo.native.read_commit(commit.checksum, None)
        file = root.resolve_relative_path(path)
        if not file.query_exists(None):
            return ""
        _ok, stream, _info, _xattrs = repo.native.load_file(file.get_checksum(), None)
        size = 1 << 20
        content = b"".join(iter(lambda: bytes(stream.read_bytes(size, None).get_data() or b""), b""))
    return content.decode()


def _as_variant(value: Any) -> Any:
    """A treefile's metadata value. Raises OstreeError for kinds that commits cannot hold."""
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
            return GLib.Variant("av", [_as_variant(item) for item in value])
        case dict():
            return GLib.Variant("a{sv}", {name: _as_variant(item) for name, item in value.items()})
    raise OstreeError(f"add-commit-metadata: {value!r} cannot be stored.")
