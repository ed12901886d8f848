"""Asks the server of a custom host: what it offers, and whether a branch is what its owner signed.

Nothing of what is looked at stays on this machine. Everything here can be cancelled.
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.cancel import CancelToken
from engine.errors import OstreeError, PhotreeError, SignatureError, StorageError
from engine.ostree import run_blocking
from engine.packages.keys import dearmoured, split_certificates
from engine.packages.transport import Patience
from engine.public_keys import read_public_keys
from engine.pull import pull_commit_object
from engine.remote_commits import CommitFacts, CommitReader, commit_facts, scratch_repository
from engine.remotes import (
    NoSummaryError,
    RemoteConfig,
    RemoteRef,
    add_remote,
    fetch_refs,
    open_transport,
    read_ref,
)
from installer.branches import Branch, NoSuchBranchError, Offer, SigningKey, no_such_branch

# A person waits: what is slower than this is answered with a reason, and can be tried again.
PATIENCE = Patience(attempts=1, connect=10.0, read=15.0)
_REMOTE = "source"
_KEY_LIMIT = 1024 * 1024
_KEY_ID = re.compile(r"key ID (?P<id>[0-9A-Fa-f]+)")
_EXPORT = "The server's owner makes one by: gpg --export --armor KEYID"
_Result = TypeVar("_Result")


def offered(url: str, cancel: CancelToken, patience: Patience = PATIENCE) -> Offer:
    """The branches at url by their names, from its summary, with their versions and dates as far
    as that says them. Raises as `engine.remotes.fetch_refs`, Cancelled."""
    try:
        refs = _asked(lambda: fetch_refs(url, cancel=cancel, patience=patience), cancel)
    except NoSummaryError:
        return Offer(url, listed=False)
    return Offer(url, tuple(_branch(ref, found) for ref, found in sorted(refs.items())))


def measured(offer: Offer, cancel: CancelToken, patience: Patience = PATIENCE) -> Offer:
    """The same branches with what their commits say: version, date, size, packages; a branch whose
    commit is missing or damaged has that as its fault. Raises NetworkError, Cancelled."""

    def measure() -> Offer:
        with (
            scratch_repository() as repo,
            CommitReader(offer.url, repo, cancel=cancel, patience=patience) as reader,
        ):
            found = tuple(_measured(branch, reader) for branch in offer.branches)
        return dataclasses.replace(offer, branches=found)

    return _asked(measure, cancel)


def verified(
    url: str,
    ref: str,
    key: Path | None,
    cancel: CancelToken,
    *,
    commit: str | None = None,
    patience: Patience = PATIENCE,
) -> Branch:
    """The branch, checked as the installation will: its commit comes from url and, with a key, is
    signed by it. commit: exactly this one instead of the branch's newest.

    Raises NoSuchBranchError, SignatureError, NetworkError, OstreeError and PlanError (no such key
    file), Cancelled.
    """
    _asked(lambda: _require_branch(url, ref, cancel, patience), cancel)
    with scratch_repository() as repo:
        config = RemoteConfig(_REMOTE, url, gpg_verify=key is not None, gpg_key=key)
        add_remote(repo, config)
        try:
            found = pull_commit_object(
                repo, _REMOTE, ref, commit=commit, cancel=cancel, patience=patience.read
            )
        except SignatureError as error:
            raise error if key is None else _refused(error, url, ref, key) from error
        return _with_facts(Branch(ref, found.checksum), commit_facts(repo, found.checksum))


def read_key(path: Path) -> SigningKey:
    """What is in a file of public keys. Raises OstreeError."""
    if not path.is_file():
        reason = "is not a file" if path.exists() else "does not exist"
        raise OstreeError(f"{path} {reason}.", "Give the path of the file with the public key.")
    try:
        keys = read_public_keys(path)
    except OstreeError as error:
        raise OstreeError(f"{path} holds no GPG public key.", _EXPORT, error.detail) from error
    owners = dict.fromkeys(owner for key in keys for owner in key.owners)
    fault = next((key.fault for key in keys if key.fault), "")
    return SigningKey(str(path), tuple(key.fingerprint for key in keys), tuple(owners), fault=fault)


def fetch_key(
    url: str, folder: Path, cancel: CancelToken, patience: Patience = PATIENCE
) -> SigningKey:
    """Bring the key at url into folder, which is made for this user alone.

    Whether it is the right one only its fingerprint says. Raises NetworkError, SignatureError (it
    is no key), StorageError, Cancelled.
    """

    def read() -> bytes:
        with open_transport(url, None, cancel, patience) as transport:
            return transport.read(url, limit=_KEY_LIMIT)

    content = _asked(read, cancel)
    try:
        certificates = b"".join(split_certificates(dearmoured(content)))
    except ValueError as error:
        raise SignatureError(f"{url} is no GPG public key: {error}.", _EXPORT) from None
    try:
        return _kept(certificates, url, folder)
    except OstreeError as error:
        raise SignatureError(f"{url} is no GPG public key.", _EXPORT, error.detail) from error
    except OSError as error:
        reason = error.strerror
        raise StorageError(
            f"The key cannot be kept in {folder}: {reason}.", "Run as root."
        ) from error


def _kept(certificates: bytes, url: str, folder: Path) -> SigningKey:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / "key.gpg"
        path.touch(mode=0o600)
        path.write_bytes(certificates)
        found = read_key(path)
        kept = path.rename(folder / f"{found.fingerprints[0][-16:]}.gpg")
    return dataclasses.replace(found, path=str(kept), origin=url)


def _asked(work: Callable[[], _Result], cancel: CancelToken) -> _Result:
    """What work returns. A cancelled one is left behind when its server does not let it go."""
    try:
        return run_blocking(lambda _native: work(), cancel, waits=lambda: True)
    except PhotreeError:
        cancel.check()  # a broken connection is what comes of it
        raise


def _require_branch(url: str, ref: str, cancel: CancelToken, patience: Patience) -> None:
    try:
        refs = fetch_refs(url, cancel=cancel, patience=patience)
    except NoSummaryError:
        try:
            read_ref(url, ref, cancel=cancel)
        except OstreeError as error:
            raise NoSuchBranchError(error.message, error.hint) from error
        return
    if ref not in refs:
        remark = no_such_branch(url, ref, [*refs])
        raise NoSuchBranchError(f"{remark.message}.", remark.hint)


def _branch(ref: str, found: RemoteRef) -> Branch:
    return Branch(ref, found.commit, found.version, found.timestamp)


def _measured(branch: Branch, reader: CommitReader) -> Branch:
    try:
        return _with_facts(branch, reader.read(branch.commit))
    except OstreeError:
        return dataclasses.replace(branch, fault="its commit is not on the server")
    except SignatureError:
        return dataclasses.replace(branch, fault="its commit is damaged")


def _with_facts(branch: Branch, facts: CommitFacts) -> Branch:
    return dataclasses.replace(
        branch,
        version=facts.commit.version or branch.version,
        timestamp=facts.commit.timestamp,
        size=facts.size,
        packages=facts.packages,
    )


def _refused(error: SignatureError, url: str, ref: str, key: Path) -> PhotreeError:
    """libostree's detail names the key that a commit is signed by, when it does not have it."""
    signer = _KEY_ID.search(error.detail)
    if signer is not None and "not found" in error.detail:
        return SignatureError(
            f"The branch {ref} of {url} is not signed by the key in {key}, but by the key "
            f"{signer['id'].upper()}.",
            "Get the right key from the server's owner. If there is none, choose another server.",
            error.detail,
        )
    hint = "Ask the server's owner, or choose unsigned if you trust the server and the way to it."
    return SignatureError(error.message, hint, error.detail)
