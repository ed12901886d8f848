"""OpenPGP public keys that sign commits: what is in a file of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.ostree import plain, translated
from engine.remote_commits import scratch_repository
from engine.remotes import RemoteConfig, add_remote

_REMOTE = "key"


@dataclass(frozen=True)
class PublicKey:
    """fingerprint: hex digits of the primary key. owners: its user ids. fault: why nothing that it
    signs will be accepted, "" when all is well."""

    fingerprint: str
    owners: tuple[str, ...] = ()
    fault: str = ""


def read_public_keys(path: Path) -> tuple[PublicKey, ...]:
    """The keys in the file, as libostree will use them; at least one.

    Raises PlanError when there is no such file, OstreeError when it holds no key.
    """
    with scratch_repository() as repo:
        add_remote(repo, RemoteConfig(_REMOTE, "http://localhost/", gpg_key=path))
        with translated(f"read the GPG key {path}"):
            _ok, found = repo.native.remote_get_gpg_keys(_REMOTE, None, None)
        return tuple(_public_key(*plain(each)) for each in found)


def _public_key(
    parts: list[Mapping[str, Any]], users: list[Mapping[str, Any]], _more: object
) -> PublicKey:
    """parts: the primary key, then its subkeys; see ostree_repo_remote_get_gpg_keys()."""
    primary = parts[0]
    faults = ("revoked", "expired", "invalid")
    fault = next((name for name in faults if primary.get(name)), "")
    return PublicKey(primary["fingerprint"], tuple(user["uid"] for user in users), fault)
