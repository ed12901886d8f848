"""Remotes of a repository: add, list, delete, and the refs a repository elsewhere offers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.cancel import CancelToken
from engine.errors import NetworkError, OstreeError, PlanError, Problem
from engine.ostree import Gio, GLib, OSTree, plain, run_blocking, translated
from engine.packages.repofiles import RepositoryConfig
from engine.packages.transport import FetchError, Patience, Transport, file_path
from engine.repo import Repo
from engine.stall import StallGuard

SCHEMES = ("http", "https", "file")
_SUMMARY_LIMIT = 64 * 1024 * 1024  # bytes; libostree's own limit for metadata is 10 MiB a file
_PATIENCE = Patience(attempts=2, connect=10.0, read=20.0)


@dataclass(frozen=True)
class Tls:
    """Files for https://: the CA that signed the server's certificate, and our own certificate
    with its key for servers that ask for one. PEM."""

    ca: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None


@dataclass(frozen=True)
class RemoteConfig:
    """A remote. gpg_key: a public key file (armoured or binary) that is copied into the
    repository; gpg_verify without one trusts the machine's own keys in /usr/share/ostree. options:
    more keys of its section, which go over what the other fields say."""

    name: str
    url: str
    gpg_verify: bool = True
    gpg_key: Path | None = None
    gpg_verify_summary: bool = False
    tls: Tls = field(default_factory=Tls)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RemoteRef:
    """A ref as a summary lists it. timestamp: of its commit, seconds since 1970, 0 if unknown.
    size: of the commit object, in bytes."""

    commit: str
    timestamp: int = 0
    version: str = ""
    size: int = 0


def url_problem(url: str) -> str:
    """Why url cannot be a repository's URL, or "" when it can."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError as error:
        return f"it is not a URL ({error})"
    path_only = parts.scheme == "file"
    checks = {
        "it must begin with http://, https:// or file://": parts.scheme not in SCHEMES,
        "it contains a space": any(letter.isspace() for letter in url),
        "a file:// URL needs three slashes before its path": path_only
        and parts.netloc not in ("", "localhost"),
        "it has no path": path_only and len(parts.path) < 2,
        "it has no host name": not path_only and not parts.hostname,
    }
    return next((reason for reason, wrong in checks.items() if wrong), "")


def add_remote(repo: Repo, config: RemoteConfig, *, replace: bool = False) -> int:
    """Configure a remote and import its key; returns how many keys were imported.

    replace: an existing one of that name is overwritten, its keys included. Raises PlanError with
    all problems of the values, OstreeError when the name is taken or the key file holds no key;
    then nothing of a new remote stays behind.
    """
    _validate(config)
    exists = config.name in _names(repo)
    if exists and not replace:
        raise OstreeError(
            f"The remote {config.name} exists already ({remote_url(repo, config.name)}).",
            "Delete it first, or choose another name.",
        )
    what = f"add the remote {config.name}"
    with translated(what):
        if exists:
            _delete(repo, config.name)
        repo.native.remote_add(config.name, config.url, _options(config), None)
    if config.gpg_key is None:
        return 0
    try:
        return _import_key(repo, config.name, config.gpg_key)
    except BaseException:
        _delete(repo, config.name)
        raise


def list_remotes(repo: Repo) -> tuple[RemoteConfig, ...]:
    """The configured remotes by name (gpg_key is not kept as a file, so it is None)."""
    with translated(f"list the remotes of {repo.path}"):
        return tuple(read_remote(repo, name) for name in sorted(_names(repo)))


def read_remote(repo: Repo, name: str) -> RemoteConfig:
    """The remote as it is configured, without its key. Raises OstreeError when there is none."""
    _require(repo, name)

    def path(option: str) -> Path | None:
        _ok, value = repo.native.get_remote_option(name, option, None)
        return Path(value) if value else None

    return RemoteConfig(
        name=name,
        url=repo.native.remote_get_url(name)[1] or "",
        gpg_verify=repo.native.remote_get_gpg_verify(name)[1],
        gpg_verify_summary=repo.native.remote_get_gpg_verify_summary(name)[1],
        tls=Tls(path("tls-ca-path"), path("tls-client-cert-path"), path("tls-client-key-path")),
    )


def remote_url(repo: Repo, name: str) -> str:
    """Raises OstreeError when there is no such remote."""
    _require(repo, name)
    with translated(f"read the remote {name}"):
        _ok, url = repo.native.remote_get_url(name)
    return str(url)


def delete_remote(repo: Repo, name: str) -> None:
    """Drop the remote with its keys; refs that were pulled stay. Raises OstreeError."""
    _require(repo, name)
    with translated(f"delete the remote {name}"):
        _delete(repo, name)


def fetch_refs(
    url: str,
    *,
    tls: Tls | None = None,
    cancel: CancelToken | None = None,
    patience: Patience | None = None,
) -> dict[str, RemoteRef]:
    """The refs of the repository at url, from its summary; no remote needs to be configured.

    The summary is not verified: use it to choose, the pull verifies what is chosen.
    Raises NetworkError (name, refusal, time, certificate, HTTP status) and OstreeError (not an
    OSTree repository, no summary, damaged summary), each with its own sentence.
    """
    problem = url_problem(url)
    if problem:
        raise OstreeError(f"{url} cannot be a repository: {problem}.", "Correct the URL.")
    path = file_path(url)
    if path is not None:
        repo = Repo.open(path)
        return {
            ref: _local_ref(repo, commit) for ref, commit in repo.refs().items() if ":" not in ref
        }
    with open_transport(url, tls, cancel, patience) as transport:
        return parse_summary(url, _read_summary(transport, url))


def remote_refs(
    repo: Repo, name: str, *, cancel: CancelToken | None = None
) -> dict[str, RemoteRef]:
    """What a configured remote offers; its summary is verified if the remote asks for that.

    Raises as `fetch_refs`, and SignatureError.
    """
    config = read_remote(repo, name)
    if not config.gpg_verify_summary:
        return fetch_refs(config.url, tls=config.tls, cancel=cancel)
    with translated(f"read the summary of {config.url}"):
        _ok, summary, _signatures = run_blocking(
            lambda native: repo.native.remote_fetch_summary_with_options(name, None, native),
            cancel,
            watch=StallGuard(f"read the summary of {config.url}").check,
            waits=lambda: True,
        )
    if summary is None:
        raise NoSummaryError(
            f"The repository {config.url} has no summary, so its refs cannot be listed.",
            "Make one on the server with `ostree summary -u`, or name the ref.",
        )
    return parse_summary(config.url, summary.get_data())


def find_ref(
    url: str, ref: str, *, tls: Tls | None = None, cancel: CancelToken | None = None
) -> RemoteRef:
    """The ref at url, also from a repository without a summary.

    Raises as `fetch_refs`; OstreeError that lists the refs there are when it has no such ref.
    """
    try:
        refs = fetch_refs(url, tls=tls, cancel=cancel)
    except NoSummaryError:
        return read_ref(url, ref, tls=tls, cancel=cancel)
    if ref not in refs:
        listed = ", ".join(sorted(refs)) or "none"
        raise OstreeError(f"{url} has no ref {ref!r}.", f"Its refs: {listed}.")
    return refs[ref]


def read_ref(
    url: str, ref: str, *, tls: Tls | None = None, cancel: CancelToken | None = None
) -> RemoteRef:
    """The ref at url from its own file, for repositories without a summary; of its commit nothing
    more is known. Raises NetworkError, OstreeError."""
    with open_transport(url, tls, cancel) as transport:
        try:
            text = transport.read(_join(url, f"refs/heads/{ref}"), limit=4096)
        except FetchError as error:
            if not error.missing:
                raise
            _require_repository(transport, url)
            raise OstreeError(
                f"{url} has no ref {ref!r}.", "It has no summary that could list its refs."
            ) from error
    commit = text.decode(errors="replace").strip()
    if not re.fullmatch("[0-9a-f]{64}", commit):
        raise OstreeError(f"{url} has a damaged ref {ref!r}.", "Check the URL.")
    return RemoteRef(commit)


class NoSummaryError(OstreeError):
    """There is a repository, but nothing lists its refs."""


def _validate(config: RemoteConfig) -> None:
    problems: list[Problem] = []
    try:
        with translated(f"use the name {config.name}"):
            OSTree.validate_remote_name(config.name)
    except OstreeError:
        problems.append(
            Problem(config.name, "is no name for a remote", "use letters, digits, '-' and '_'")
        )
    reason = url_problem(config.url)
    if reason:
        problems.append(Problem(config.url, reason))
    files = {
        "the GPG key": config.gpg_key,
        "the CA file": config.tls.ca,
        "the client certificate": config.tls.client_certificate,
        "the client key": config.tls.client_key,
    }
    problems += [
        Problem(str(path), f"{what} is not a readable file")
        for what, path in files.items()
        if path is not None and not path.is_file()
    ]
    if (config.tls.client_certificate is None) != (config.tls.client_key is None):
        problems.append(Problem(config.name, "a client certificate and its key belong together"))
    if problems:
        raise PlanError(f"The remote {config.name} cannot be added.", problems)


def _options(config: RemoteConfig) -> Any:
    values = {
        "gpg-verify": GLib.Variant("b", config.gpg_verify),
        "gpg-verify-summary": GLib.Variant("b", config.gpg_verify_summary),
    }
    files = {
        "tls-ca-path": config.tls.ca,
        "tls-client-cert-path": config.tls.client_certificate,
        "tls-client-key-path": config.tls.client_key,
    }
    values |= {key: GLib.Variant("s", str(path)) for key, path in files.items() if path}
    values |= {key: GLib.Variant("s", value) for key, value in config.options.items()}
    return GLib.Variant("a{sv}", values)


def _import_key(repo: Repo, name: str, key: Path) -> int:
    with translated(f"import the GPG key {key} for the remote {name}"):
        stream = Gio.File.new_for_path(str(key)).read(None)
        try:
            _ok, imported = repo.native.remote_gpg_import(name, stream, None, None)
            found = imported or len(repo.native.remote_get_gpg_keys(name, None, None)[1])
        finally:
            stream.close(None)
    if not found:
        raise OstreeError(
            f"The file {key} holds no GPG public key.",
            "Export one with `gpg --export --armor KEYID`.",
        )
    return int(imported)


def _delete(repo: Repo, name: str) -> None:
    repo.native.remote_delete(name, None)


def _names(repo: Repo) -> list[str]:
    return list(repo.native.remote_list() or ())


def _require(repo: Repo, name: str) -> None:
    names = _names(repo)
    if name not in names:
        raise OstreeError(
            f"There is no remote {name!r}.", f"The remotes are: {', '.join(names) or 'none'}."
        )


def _local_ref(repo: Repo, checksum: str) -> RemoteRef:
    commit = repo.load_commit(checksum)
    return RemoteRef(checksum, commit.timestamp, commit.version or "")


def open_transport(
    url: str, tls: Tls | None, cancel: CancelToken | None, patience: Patience | None = None
) -> Transport:
    """For the files of the repository at url."""
    given = tls or Tls()
    config = RepositoryConfig(
        id="ostree",
        baseurls=(url,),
        sslcacert=str(given.ca or ""),
        sslclientcert=str(given.client_certificate or ""),
        sslclientkey=str(given.client_key or ""),
    )
    return Transport(config, cancel or CancelToken(), patience=patience or _PATIENCE)


def _read_summary(transport: Transport, url: str) -> bytes:
    try:
        return transport.read(_join(url, "summary"), limit=_SUMMARY_LIMIT)
    except FetchError as error:
        if not error.missing:
            raise
    _require_repository(transport, url)
    raise NoSummaryError(
        f"The repository {url} has no summary, so its refs cannot be listed.",
        "Make one on the server with `ostree summary -u`, or name the ref.",
    )


def _require_repository(transport: Transport, url: str) -> None:
    """A repository publishes its config; anything else that answers there is no repository."""
    try:
        text = transport.read(_join(url, "config"), limit=_SUMMARY_LIMIT)
    except FetchError as error:
        if not error.missing:
            raise
        text = b""
    if b"[core]" not in text or b"repo_version" not in text:
        reason = "it has no config file of one"
        if not text and _is_missing(transport, f"{url.rstrip('/')}/"):
            reason = "there is nothing at this address (404)"
        raise NetworkError(
            f"{url} is not an OSTree repository: {reason}.",
            "Check the path: the URL ends with the repository's own directory.",
        )


def _is_missing(transport: Transport, url: str) -> bool:
    try:
        transport.read(url, limit=_SUMMARY_LIMIT)
    except FetchError as error:
        return error.missing
    return False


def parse_summary(url: str, content: bytes) -> dict[str, RemoteRef]:
    """The refs in a summary file's bytes. Raises OstreeError when they are no summary."""
    kind = GLib.VariantType.new("(a(s(taya{sv}))a{sv})")
    variant = GLib.Variant.new_from_bytes(kind, GLib.Bytes.new(content), False)
    if not variant.is_normal_form():
        raise OstreeError(
            f"{url} has a file named summary that is not an OSTree summary.",
            "Check the path, or make the summary again with `ostree summary -u`.",
        )
    refs = {}
    for name, (size, checksum, metadata) in plain(variant.get_child_value(0)):
        refs[name] = _summary_ref(_swap64(size), checksum, metadata)
    return refs


def _summary_ref(size: int, checksum: bytes, metadata: Mapping[str, Any]) -> RemoteRef:
    version = metadata.get("ostree.commit.version", metadata.get("version", ""))
    return RemoteRef(
        commit=checksum.hex(),
        timestamp=_swap64(metadata.get("ostree.commit.timestamp", 0)),
        version=version if isinstance(version, str) else "",
        size=size,
    )


def _join(url: str, name: str) -> str:
    return f"{url.rstrip('/')}/{name}"


def _swap64(value: int) -> int:
    """Numbers in a summary are big-endian."""
    return int.from_bytes(value.to_bytes(8, "little"), "big")
