"""What the commits of a repository elsewhere say of themselves, without anything of their trees."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import OstreeError, SignatureError
from engine.objects import recorded_sizes
from engine.ostree import GLib, OSTree, translated
from engine.packages.transport import FetchError, Patience
from engine.remotes import Tls, open_transport
from engine.repo import Commit, Repo

_LIMIT = 128 * 1024 * 1024  # bytes; libostree's own limit for one with sizes


@dataclass(frozen=True)
class CommitFacts:
    """size: bytes of its whole tree, as a server stores and sends them. packages: how many it has.
    None: the commit does not say."""

    commit: Commit
    size: int | None = None
    packages: int | None = None


@contextmanager
def scratch_repository() -> Iterator[Repo]:
    """An archive repository that is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="photree-look-") as folder:
        yield Repo.create(Path(folder) / "repo")


class CommitReader:
    """Reads the commits of one repository, over one connection."""

    def __init__(
        self,
        url: str,
        repo: Repo,
        *,
        tls: Tls | None = None,
        cancel: CancelToken | None = None,
        patience: Patience | None = None,
    ) -> None:
        """repo: where the commit objects are kept, such as a `scratch_repository`."""
        self._url = url.rstrip("/")
        self._repo = repo
        self._transport = open_transport(url, tls, cancel, patience)

    def __enter__(self) -> CommitReader:
        self._transport.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._transport.__exit__(*exception)

    def read(self, checksum: str) -> CommitFacts:
        """The commit, its checksum verified, its signature not.

        Raises OstreeError when the repository does not have it, SignatureError when it is damaged,
        NetworkError, Cancelled.
        """
        place = f"{self._url}/objects/{checksum[:2]}/{checksum[2:]}.commit"
        try:
            content = self._transport.read(place, limit=_LIMIT)
        except FetchError as error:
            if not error.missing:
                raise
            raise OstreeError(
                f"{self._url} has no commit {checksum}.", "Its summary may be out of date."
            ) from error
        kind = GLib.VariantType.new(OSTree.COMMIT_GVARIANT_STRING)
        variant = GLib.Variant.new_from_bytes(kind, GLib.Bytes.new(content), False)
        if not variant.is_normal_form():
            raise SignatureError(
                f"{self._url} has a damaged commit {checksum}.",
                "Check the repository with `ostree fsck`.",
            )
        with translated(f"read the commit {checksum} from {self._url}"):
            self._repo.native.write_metadata(OSTree.ObjectType.COMMIT, checksum, variant, None)
        return commit_facts(self._repo, checksum)


def commit_facts(repo: Repo, checksum: str) -> CommitFacts:
    """The commit object must be in repo; its tree need not be."""
    commit = repo.load_commit(checksum)
    sizes = recorded_sizes(repo, checksum)
    packages = commit.metadata.get("rpmostree.rpmdb.pkglist")
    return CommitFacts(
        commit,
        sum(each.stored for each in sizes) if sizes else None,
        len(packages) if packages else None,
    )
