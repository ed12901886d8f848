"""OSTree repositories: open, create, refs, commits, transactions, summary."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import OstreeError
from engine.ostree import Gio, GLib, OSTree, plain, translated


@dataclass(frozen=True)
class Commit:
    """A commit's own data. timestamp: seconds since 1970, UTC. metadata: plain Python values (byte
    arrays as bytes) without `ostree.sizes`, which `engine.objects` reads. tree, tree_meta:
    checksums of the root directory's objects. partial: objects of its tree are missing."""

    checksum: str
    parent: str | None
    timestamp: int
    subject: str
    body: str
    tree: str
    tree_meta: str
    partial: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str | None:
        value = self.metadata.get("version")
        return value if isinstance(value, str) else None


@dataclass(frozen=True)
class CommitSize:
    """What a commit's tree holds: objects, and bytes as the repository stores them."""

    objects: int
    stored: int


@dataclass(frozen=True)
class TransactionStats:
    """What a transaction added, in objects and bytes."""

    metadata_written: int
    content_written: int
    content_bytes: int


class Transaction:
    """An open transaction; stats is filled in when it was committed."""

    def __init__(self, native: Any) -> None:
        self._native = native
        self.stats: TransactionStats | None = None

    def set_ref(self, ref: str, commit: str | None) -> None:
        """Point ref ("name" or "remote:name") at commit, or drop it, when the transaction ends."""
        self._native.transaction_set_refspec(ref, commit)


class Repo:
    """A repository; `native` is the OSTree.Repo for what has no method here."""

    def __init__(self, native: Any, path: Path | None = None, owner: Any = None) -> None:
        """path: where it is, if libostree was only given a descriptor of it. owner: the
        OSTree.Sysroot that it belongs to; libostree refers to it weakly, and once it is gone does
        not know the system's /etc/ostree/remotes.d any more."""
        self.native = native
        self._path = path
        self._owner = owner

    @classmethod
    def open(cls, path: Path) -> Repo:
        """Open an existing repository. Raises OstreeError when there is none."""
        native = OSTree.Repo.new(Gio.File.new_for_path(str(path)))
        if not (path / "objects").is_dir():
            reason = "it is not an OSTree repository" if path.exists() else "it does not exist"
            raise OstreeError(
                f"Could not open the repository {path}: {reason}.",
                f"Make one with `ostree init --repo={path} --mode=archive`.",
            )
        with translated(f"open the repository {path}"):
            native.open(None)
        return cls(native)

    @classmethod
    def create(cls, path: Path, mode: str = "archive") -> Repo:
        """Make a repository (mode: archive, bare, bare-user, bare-user-only), or open the one
        that is there already. Raises OstreeError when that one has another mode."""
        if (path / "objects").is_dir():
            repo = cls.open(path)
            if repo.mode != mode:
                raise OstreeError(
                    f"The repository {path} exists with mode {repo.mode}, not {mode}.",
                    "Choose another path.",
                )
            return repo
        with translated(f"make the repository {path}"):
            native = OSTree.Repo.new(Gio.File.new_for_path(str(path)))
            path.parent.mkdir(parents=True, exist_ok=True)
            native.create(OSTree.Repo.mode_from_string(mode)[1], None)
        return cls(native)

    @property
    def path(self) -> Path:
        return self._path or Path(self.native.get_path().get_path())

    @property
    def mode(self) -> str:
        return {
            OSTree.RepoMode.ARCHIVE: "archive",
            OSTree.RepoMode.BARE: "bare",
            OSTree.RepoMode.BARE_USER: "bare-user",
            OSTree.RepoMode.BARE_USER_ONLY: "bare-user-only",
        }.get(self.native.get_mode(), "other")

    def resolve(self, rev: str) -> str | None:
        """The commit id of a ref, "remote:ref", full or abbreviated id, each with any number of
        ^ for parents; None when there is none. Raises OstreeError for a malformed or ambiguous
        one."""
        name = rev.rstrip("^")  # libostree 2022.7 crashes for a parent of what it does not know
        checksum: str | None
        with translated(f"resolve {rev!r} in {self.path}"):
            _ok, checksum = self.native.resolve_rev(name, True)
        for _parent in rev[len(name) :]:
            if checksum is None:
                return None
            checksum = self.load_commit(checksum).parent
        return checksum

    def refs(self, prefix: str | None = None) -> dict[str, str]:
        """Every ref (remote ones as "remote:name") and its commit; only those below prefix."""
        with translated(f"list the refs of {self.path}"):
            _ok, refs = self.native.list_refs_ext(prefix, OSTree.RepoListRefsExtFlags.NONE, None)
        return dict(sorted(refs.items()))

    def set_ref(self, ref: str, commit: str | None) -> None:
        """Point ref ("name" or "remote:name") at commit at once; None deletes it."""
        with translated(f"set the ref {ref} in {self.path}"):
            _ok, remote, name = OSTree.parse_refspec(ref)
            self.native.set_ref_immediate(remote, name, commit, None)

    def load_commit(self, rev: str) -> Commit:
        """Raises OstreeError when rev names nothing, or its commit object is not here."""
        checksum = self.require(rev)
        with translated(f"read the commit {checksum} from {self.path}"):
            _ok, variant, state = self.native.load_commit(checksum)
        return Commit(
            checksum=checksum,
            parent=OSTree.commit_get_parent(variant),
            timestamp=OSTree.commit_get_timestamp(variant),
            subject=variant.get_child_value(3).get_string(),
            body=variant.get_child_value(4).get_string(),
            tree=plain(variant.get_child_value(6)).hex(),
            tree_meta=plain(variant.get_child_value(7)).hex(),
            partial=bool(state & OSTree.RepoCommitState.PARTIAL),
            metadata=_metadata(variant.get_child_value(0)),
        )

    def detached_metadata(self, checksum: str) -> dict[str, Any]:
        """What is stored beside a commit, such as its signatures; empty when there is nothing."""
        with translated(f"read the detached metadata of {checksum}"):
            _ok, variant = self.native.read_commit_detached_metadata(checksum, None)
        return {} if variant is None else dict(plain(variant))

    def require(self, rev: str) -> str:
        """Like resolve, but raises OstreeError, naming the refs there are, when there is none."""
        checksum = self.resolve(rev)
        if checksum is None:
            refs = ", ".join(self.refs()) or "none"
            raise OstreeError(
                f"The repository {self.path} has no ref or commit {rev!r}.",
                f"Its refs: {refs}.",
            )
        return checksum

    def log(self, rev: str) -> Iterator[Commit]:
        """The commit and its ancestors, newest first, as far as the repository has them."""
        checksum: str | None = self.require(rev)
        while checksum is not None and self.has_commit(checksum):
            commit = self.load_commit(checksum)
            yield commit
            checksum = commit.parent

    def has_commit(self, checksum: str) -> bool:
        """Whether the commit's own object is here (its tree may be partial)."""
        with translated(f"look for the commit {checksum} in {self.path}"):
            _ok, found = self.native.has_object(OSTree.ObjectType.COMMIT, checksum, None)
        return bool(found)

    def commit_size(self, rev: str) -> CommitSize:
        """Count the objects of a commit and their stored bytes (reads the whole tree's metadata).

        Raises OstreeError when an object is missing.
        """
        checksum = self.require(rev)
        stored = 0
        with translated(f"measure the commit {checksum} in {self.path}"):
            _ok, objects = self.native.traverse_commit(checksum, 0, None)
            for name in objects:
                digest, kind = OSTree.object_name_deserialize(name)
                stored += self.native.query_object_storage_size(kind, digest, None)[1]
        return CommitSize(len(objects), stored)

    def update_summary(self, metadata: Mapping[str, Any] | None = None) -> None:
        """Write the summary file (clients list refs from it; do it after every change of a ref).

        metadata: GLib.Variant values by name, added to the summary's own.
        """
        variant = GLib.Variant("a{sv}", dict(metadata)) if metadata else None
        with translated(f"update the summary of {self.path}"):
            self.native.regenerate_summary(variant, None)

    def set_option(self, group: str, key: str, value: str) -> None:
        """Set a key of the repository's configuration and write it."""
        with translated(f"configure {self.path}"):
            config = self.native.copy_config()
            config.set_string(group, key, value)
            self.native.write_config(config)
            self.native.reload_config(None)

    def set_fsync(self, enabled: bool) -> None:
        """Whether this object flushes each file it writes; call `sync` at the end when not."""
        self.native.set_disable_fsync(not enabled)

    def sync(self) -> None:
        """Bring the whole file system below the repository to the disk."""
        import ctypes  # noqa: PLC0415 - costs 5 ms, needed by writers only

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(self.native.get_dfd()) != 0:
            reason = os.strerror(ctypes.get_errno())
            raise OstreeError(f"Could not write {self.path} to the disk: {reason}.")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Objects and refs written inside become visible together at the end.

        When the block raises (cancellation included) the transaction is aborted: refs stay as
        they were; objects already staged are reused by the next attempt.
        """
        with translated(f"begin a transaction in {self.path}"):
            self.native.prepare_transaction(None)
        transaction = Transaction(self.native)
        try:
            yield transaction
            with translated(f"finish the transaction in {self.path}"):
                _ok, stats = self.native.commit_transaction(None)
        except BaseException:
            self.native.abort_transaction(None)
            raise
        transaction.stats = TransactionStats(
            stats.metadata_objects_written,
            stats.content_objects_written,
            stats.content_bytes_written,
        )


def _metadata(variant: Any) -> dict[str, Any]:
    """Without the sizes of all objects: half a megabyte that nobody wants to see."""
    entries = (variant.get_child_value(index) for index in range(variant.n_children()))
    return {
        key: plain(entry.get_child_value(1))
        for entry in entries
        if (key := entry.get_child_value(0).get_string()) != "ostree.sizes"
    }
