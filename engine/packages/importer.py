"""RPM packages as commits: each is unpacked once into a bare repository and reused from there.

The commits are rpm-ostree's package commits: paths as `engine.packages.placement` maps them,
owner root throughout (the ids of other users are known only in the tree the package ends in;
`owned_files` tells them), capabilities as extended attributes, the header in the metadata.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from engine.cancel import CancelToken
from engine.errors import Cancelled, PackageError
from engine.events import Emit, Progress
from engine.ostree import Gio, GLib, OSTree, cancellable, translated
from engine.packages.capabilities import XATTR, capability_xattr
from engine.packages.model import PackageId, ResolvedPackage
from engine.packages.placement import FACTORY, OPT, Area, placement
from engine.packages.rpmfile import PackagedFile, RpmFile, RpmHeader
from engine.repo import Repo
from engine.treebuilder import NO_XATTRS, TreeBuilder, flatten

UNPACK_VERSION = (1, 6)
# keys of a package commit's metadata: lead + signature + header, their checksum, the repository's
HEAD = "rpmostree.metadata"
HEAD_SHA256 = "rpmostree.metadata_sha256"
REPODATA_CHECKSUM = "rpmostree.repodata_checksum"
_THREADS = 2
_PERMISSIONS = 0o7777
# systemd cleans the one; the other is a link to the tree's own database
_MADE_ELSEWHERE = frozenset({"var/tmp", "var/lib/rpm"})
_SET_ID_BITS = stat.S_ISUID | stat.S_ISGID


@dataclass(frozen=True)
class UnpackOptions:
    """What to leave out. languages: None keeps every translation."""

    documentation: bool = True
    languages: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ImportedPackage:
    """A package and its commit in the cache repository."""

    rpm: RpmFile
    commit: str


class PackageCache:
    """Package commits in a bare repository."""

    def __init__(self, repo: Repo, options: UnpackOptions) -> None:
        self._repo = repo
        self._options = options

    def find(self, package: RpmFile) -> str | None:
        """The commit of exactly this package, unpacked with these options, if there is one."""
        commit = self._repo.resolve(package.cache_ref)
        if commit is None or not self._repo.has_commit(commit):
            return None
        _ok, variant, _state = self._repo.native.load_commit(commit)
        metadata = variant.get_child_value(0)
        expected = _identity(package, self._options)
        for key, value in expected.items():
            found = metadata.lookup_value(key, value.get_type())
            if found is None or not found.equal(value):
                return None
        return commit

    def import_packages(
        self,
        packages: Sequence[RpmFile],
        emit: Emit,
        cancel: CancelToken,
        step: str = "import",
        resolved: Mapping[str, ResolvedPackage] | None = None,
    ) -> list[ImportedPackage]:
        """Unpack what is not there yet; the result keeps the order of packages.

        resolved: by head_sha256, what the repository that a package comes from says of it.
        Progress counts bytes of the RPM files to unpack. What was unpacked before a failure or a
        cancellation stays. Raises PackageError naming the package, and Cancelled.
        """
        commits = {package.head_sha256: self.find(package) for package in packages}
        missing = [package for package in packages if commits[package.head_sha256] is None]
        if missing:
            commits.update(self._import_missing(missing, emit, cancel, step, resolved or {}))
        return [
            ImportedPackage(package, commit)
            for package in packages
            if (commit := commits[package.head_sha256]) is not None
        ]

    def _import_missing(
        self,
        packages: Sequence[RpmFile],
        emit: Emit,
        cancel: CancelToken,
        step: str,
        resolved: Mapping[str, ResolvedPackage],
    ) -> dict[str, str]:
        sizes = {package.head_sha256: package.path.stat().st_size for package in packages}
        total, done = sum(sizes.values()), 0
        commits: dict[str, str] = {}
        failure: BaseException | None = None
        emit(Progress(step, 0, total, "bytes"))
        with self._repo.transaction() as transaction, cancellable(cancel) as native:
            for package, result in _in_parallel(
                sorted(packages, key=lambda package: -sizes[package.head_sha256]),
                lambda package: self._unpack(package, native, resolved.get(package.head_sha256)),
            ):
                try:
                    commit = result.result()
                except (PackageError, Cancelled, GLib.Error) as error:
                    failure = failure or error
                    native.cancel()
                    continue
                transaction.set_ref(package.cache_ref, commit)
                commits[package.head_sha256] = commit
                done += sizes[package.head_sha256]
                emit(Progress(step, done, total, "bytes", note=package.name))
        cancel.check()
        if failure is not None:
            raise failure
        return commits

    def _unpack(self, package: RpmFile, native: Any, resolved: ResolvedPackage | None) -> str:
        """Unpack one package; its commit."""
        if native.is_cancelled():
            raise Cancelled()
        files = {file.path: file for file in package.files() if not file.is_ghost}
        refused = [path for path in files if placement(path).area is Area.REFUSED]
        if refused:
            raise PackageError(
                f"{package.nevra} has {', '.join(refused[:5])}, which an OSTree tree has no place "
                "for.",
                "Packages may own files below /usr, /etc, /boot, /opt and /var.",
            )
        payload = OSTree.MutableTree.new()
        with translated(f"unpack {package.path}"):
            self._repo.native.write_archive_to_mtree(
                Gio.File.new_for_path(str(package.path)),
                payload,
                self._modifier(files),
                True,
                native,
            )
            root = _grafted(self._repo, package, files, payload)
            metadata = _metadata(package, self._options, resolved)
            _ok, commit = self._repo.native.write_commit_with_time(
                None, "", "", metadata, root, package.build_time, native
            )
        return str(commit)

    def _modifier(self, files: dict[str, PackagedFile]) -> Any:
        """Which entries of the payload to take, with which mode and capabilities.

        Everything is decided before: an exception inside of a callback would go unnoticed.
        """
        modes = {path: _imported_mode(file) for path, file in files.items() if self._wanted(file)}
        attributes = {
            path: GLib.Variant("a(ayay)", [(XATTR.encode() + b"\0", capability_xattr(file.caps))])
            for path, file in files.items()
            if file.caps
        }

        def choose(_repo: Any, path: str, info: Any, *_data: Any) -> Any:
            mode = modes.get(path)
            if mode is None:
                return OSTree.RepoCommitFilterResult.SKIP
            info.set_attribute_uint32("unix::uid", 0)
            info.set_attribute_uint32("unix::gid", 0)
            info.set_attribute_uint32("unix::mode", mode)
            return OSTree.RepoCommitFilterResult.ALLOW

        def find_attributes(_repo: Any, path: str, _info: Any, *_data: Any) -> Any:
            return attributes.get(path, NO_XATTRS)

        modifier = OSTree.RepoCommitModifier.new(OSTree.RepoCommitModifierFlags.NONE, choose, None)
        modifier.set_xattr_callback(find_attributes, None)
        return modifier

    def _wanted(self, file: PackagedFile) -> bool:
        area = placement(file.path).area
        if area is not Area.TREE and not (area is Area.VAR and file.is_regular):
            return False
        if file.is_documentation and not self._options.documentation:
            return False
        languages = self._options.languages
        return languages is None or not file.langs or bool({*file.langs.split("|")} & {*languages})


def _imported_mode(file: PackagedFile) -> int:
    """A set-id bit for another user than root waits until the owner is right."""
    if (file.user, file.group) == ("root", "root"):
        return file.mode
    return file.mode & ~_SET_ID_BITS


@dataclass(frozen=True)
class OwnedFile:
    """A path of the tree that does not belong to root:root. mode: type and permission bits."""

    path: str
    mode: int
    user: str
    group: str
    caps: str


def owned_files(package: RpmFile, options: UnpackOptions) -> Iterator[OwnedFile]:
    """What of a package must change its owner once the tree's users are known."""
    for file in package.files():
        if (file.user, file.group) == ("root", "root") or file.is_ghost:
            continue
        place = placement(file.path)
        if place.area is Area.TREE and (options.documentation or not file.is_documentation):
            yield OwnedFile(place.path, file.mode, file.user, file.group, file.caps)


def tree_path(file: PackagedFile) -> str | None:
    """Where a tree has this entry of a package; None for what is outside of trees."""
    place = placement(file.path)
    if place.area is Area.TREE:
        return place.path
    return f"{FACTORY}/{place.path}" if place.area is Area.VAR and file.is_regular else None


def possible_paths(package: RpmHeader) -> Iterator[str]:
    """Every path that a tree may have because of the package, ghosts included; directories too."""
    for file in package.files():
        path = tree_path(file)
        if path is not None:
            yield path
    yield _tmpfiles_name(package)


def tmpfiles_of(package: RpmFile) -> list[str]:
    """The tmpfiles.d lines that give a machine what the package has outside of the tree."""
    lines: list[str] = []
    opt: set[str] = set()
    for file in package.files():
        if file.is_ghost:
            continue
        place = placement(file.path)
        if place.area is Area.TREE and place.path.startswith(f"{OPT}/"):
            opt.add(place.path.removeprefix(f"{OPT}/").split("/")[0])
        if place.area in (Area.VAR, Area.RUN) and place.path != "var/tmp":
            lines.extend(_tmpfiles_line(file, place.path))
    lines.extend(f"L /var/opt/{_escaped(name)} - - - - ../../{OPT}/{name}" for name in opt)
    return sorted(lines, key=lambda line: line.split(" ")[1])


def _tmpfiles_line(file: PackagedFile, path: str) -> Iterator[str]:
    place = "/" + _escaped(path)
    owner = f"{file.mode & _PERMISSIONS:04o} {file.user} {file.group} -"
    if file.is_directory:
        yield f"d {place} {owner} -"
    elif file.is_symlink:
        yield f"L {place} - - - - {_escaped_target(file.target)}"
    elif file.is_regular and path.startswith("var/"):
        yield f"C {place} {owner} -"


def _escaped(path: str) -> str:
    """tmpfiles.d(5): specifiers begin with %, C escapes with a backslash, fields end at blanks."""
    return path.replace("\\", "\\\\").replace("%", "%%").replace(" ", "\\x20")


def _escaped_target(target: str) -> str:
    return target.replace("%", "%%")


def _grafted(repo: Repo, package: RpmFile, files: dict[str, PackagedFile], payload: Any) -> Any:
    """The payload's objects at their places in a tree."""
    builder = TreeBuilder(repo)
    for path, checksum, is_directory in flatten(payload):
        file = files.get(f"/{path}")
        if file is None:
            continue  # a parent that the package does not own
        place = placement(f"/{path}")
        if not is_directory:
            target = f"{FACTORY}/{place.path}" if place.area is Area.VAR else place.path
            builder.add_file(target, checksum)
        elif place.area is Area.TREE:
            builder.add_directory(place.path, file.mode)
    lines = tmpfiles_of(package)
    if lines:
        builder.add_text(_tmpfiles_name(package), "\n".join(lines) + "\n")
    return builder.write()


def _tmpfiles_name(package: RpmHeader) -> str:
    return f"usr/lib/tmpfiles.d/pkg-{package.name}.conf"


def nevra_variant(package: PackageId) -> Any:
    """As rpm-ostree writes a package down: (sstsss)."""
    values = (package.name, package.epoch, package.version, package.release, package.arch)
    return GLib.Variant("(sstsss)", (package.nevra, *values))


def _identity(package: RpmFile, options: UnpackOptions) -> dict[str, Any]:
    """The metadata that tells whether a cached commit can be used."""
    languages = list(options.languages or ())
    return {
        HEAD_SHA256: GLib.Variant("s", package.head_sha256),
        "rpmostree.unpack_version": GLib.Variant("u", UNPACK_VERSION[0]),
        "rpmostree.unpack_minor_version": GLib.Variant("u", UNPACK_VERSION[1]),
        "rpmostree.nodocs": GLib.Variant("b", not options.documentation),
        "photree.languages": GLib.Variant("(bas)", (options.languages is not None, languages)),
    }


def _metadata(package: RpmFile, options: UnpackOptions, resolved: ResolvedPackage | None) -> Any:
    source = {}
    if resolved is not None:
        source = {
            "rpmostree.repo": GLib.Variant("a{sv}", {"id": GLib.Variant("s", resolved.repo_id)}),
            REPODATA_CHECKSUM: GLib.Variant("s", str(resolved.checksum)),
        }
    return GLib.Variant(
        "a{sv}",
        {
            HEAD: GLib.Variant.new_from_bytes(
                GLib.VariantType.new("ay"), GLib.Bytes.new(package.head), True
            ),
            "rpmostree.nevra": nevra_variant(package.id),
            **_identity(package, options),
            **source,
        },
    )


def _in_parallel(
    packages: Sequence[RpmFile], work: Callable[[RpmFile], str]
) -> Iterator[tuple[RpmFile, Future[str]]]:
    """Each package with its finished future, as they finish.

    libostree and libarchive work without the interpreter's lock, so threads are enough.
    """
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="photree-import") as pool:
        waiting = {pool.submit(work, package): package for package in packages}
        while waiting:
            # a short wait: signal handlers run between two calls
            finished, _ = wait(waiting, timeout=0.2, return_when=FIRST_EXCEPTION)
            for future in finished:
                yield waiting.pop(future), future
