"""`ostree` -> where the tree comes from, and what the machine becomes."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.validation import did_you_mean
from installer.kickstart.reading import Reading
from installer.kickstart.schema import Ostree
from installer.media import find_repository, has_commit, is_archive, is_repository, local_refs
from installer.official import official_ref, official_url
from installer.plan import Profile, Remote, Source

_KEY_STARTS = (b"-----BEGIN PGP PUBLIC KEY BLOCK", b"\x98", b"\x99", b"\xc6")


def read_source(reading: Reading, arch: str) -> tuple[Profile, Source] | None:
    """The profile and the source; None when there is a problem with them, which is noted."""
    keys = reading.keys.ostree
    if keys is None:
        return None
    if keys.profile == "server":
        hint = "write default or custom"
        reading.problem(("ostree", "profile"), "the server profile cannot be installed yet", hint)
        return None
    if not _one_source(reading, keys):
        return None
    key = _read_key(reading, keys)
    custom = keys.repo_url is not None
    profile = Profile.CUSTOM_HOST if custom else Profile.DEFAULT_HOST
    if keys.profile not in (None, profile.value):
        wanted = "repo_url" if keys.profile == "custom" else "default_repo"
        message = f"a {keys.profile} host needs {wanted}"
        reading.problem(("ostree", "profile"), message, f"write {profile.value}, or leave it out")
    source = _custom(reading, keys, key) if custom else _from_media(reading, keys, key, arch)
    return (profile, source) if source else None


def _one_source(reading: Reading, keys: Ostree) -> bool:
    """Whether there is exactly one source; notes what is wrong."""
    before = len(reading.problems)
    unsure = any(
        reading.doubts("ostree", key) for key in ("default_repo", "repo_url", "repo_ref", "path")
    )
    local = keys.default_repo or keys.path
    if keys.repo_url and local:
        other = "default_repo" if keys.default_repo else "path"
        hint = f"leave {other} or repo_url out"
        reading.problem(("ostree", "repo_url"), f"both repo_url and {other} are given", hint)
    elif not keys.repo_url and not local and not unsure:
        hint = 'write "default_repo": true for the media, or repo_url and repo_ref'
        reading.problem(("ostree",), "ostree names no source of a tree", hint)
    elif keys.path and keys.default_repo is False:
        hint = "leave default_repo out, or write true"
        reading.problem(("ostree", "path"), "path belongs to default_repo, which is false", hint)
    elif keys.repo_url and not keys.repo_ref and not unsure:
        hint = 'such as "repo_ref": "photon/5.0/x86_64/minimal"'
        reading.problem(("ostree",), 'ostree: the key "repo_ref" is missing', hint)
    return len(reading.problems) == before and not unsure


def _read_key(reading: Reading, keys: Ostree) -> Path | None:
    if not keys.gpg_key:
        if keys.gpg_verify and not reading.doubts("ostree", "gpg_key"):
            hint = "name the public key's file in gpg_key"
            reading.problem(("ostree", "gpg_verify"), "gpg_verify needs a key", hint)
        return None
    path = reading.find_file(keys.gpg_key, ("ostree", "gpg_key"))
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            start = file.read(64).lstrip()
    except OSError as error:
        reading.problem(("ostree", "gpg_key"), f"{path} cannot be read: {error.strerror}")
        return None
    if not start.startswith(_KEY_STARTS):
        hint = "export it by: gpg --export --armor KEY"
        reading.problem(("ostree", "gpg_key"), f"{path} is no public key of GnuPG", hint)
    return path


def _custom(reading: Reading, keys: Ostree, key: Path | None) -> Source:
    url, ref = str(keys.repo_url), str(keys.repo_ref)
    verify = keys.gpg_key is not None if keys.gpg_verify is None else keys.gpg_verify
    if not verify:
        message = f"commits from {url} are not verified: anybody on the way can change them"
        if not url.startswith("http://"):
            message = f"commits from {url} are not verified by signature"
        reading.warn(("ostree", "repo_url"), message, "name the server's public key in gpg_key")
    elif keys.gpg_verify is False:
        reading.warn(("ostree", "gpg_verify"), "the gpg_key is not used")
    if url.startswith("file://"):
        folder = Path(unquote(urlsplit(url).path))
        if is_repository(folder):
            _check_local(reading, keys, folder, ref)
        elif not reading.facts.elsewhere:
            reading.problem(("ostree", "repo_url"), f"{folder} is no OSTree repository")
    return Source(url, ref, Remote(keys.remote, url, verify, key), keys.commit, keys.osname)


def _from_media(reading: Reading, keys: Ostree, key: Path | None, arch: str) -> Source | None:
    ref = keys.repo_ref or official_ref(arch)
    verify = key is not None if keys.gpg_verify is None else keys.gpg_verify
    url = official_url(ref, arch)
    if not verify:
        message = f"updates from {url} are not verified by signature, only by the server's name"
        reading.warn(("ostree",), message, "Photon does not sign them; name a key in gpg_key if so")
    remote = Remote(keys.remote, url, verify, key)
    repository = _local_repository(reading, keys)
    if repository is None:
        return None
    if is_archive(repository):
        return Source("", ref, remote, keys.commit, keys.osname, archive=repository)
    _check_local(reading, keys, repository, ref)
    return Source(repository.as_uri(), ref, remote, keys.commit, keys.osname)


def _local_repository(reading: Reading, keys: Ostree) -> Path | None:
    """The repository's directory or tar file; notes when there is none."""
    if keys.path:
        given = reading.find_file(keys.path, ("ostree", "path"))
        if given is None or is_archive(given):
            return given
        found = find_repository(given) if given.is_dir() else None
        if found is None:
            hint = "it has a config file and a directory objects, or is a tar file"
            reading.problem(("ostree", "path"), f"{given} is no OSTree repository", hint)
        return found
    media = reading.facts.media
    if media is None and reading.facts.elsewhere:
        reading.deferred = True
        return None
    if media is None:
        hint = "give its directory by --media, or by ostree.path"
        reading.problem(("ostree",), "the media with the tree is not known", hint)
        return None
    found = find_repository(media.absolute())
    if found is None:
        reading.problem(("ostree",), f"there is no OSTree repository in {media}")
    return found


def _check_local(reading: Reading, keys: Ostree, repository: Path, ref: str) -> None:
    """The branch and the commit must be there before anything is wiped."""
    refs = local_refs(repository)
    if ref not in refs:
        hint = did_you_mean(ref, refs) or f"there is {', '.join(refs[:5]) or 'no branch in it'}"
        where = ("ostree", "repo_ref") if keys.repo_ref else ("ostree",)
        reading.problem(where, f'there is no branch "{ref}" in {repository}', hint)
    if keys.commit and not has_commit(repository, keys.commit):
        reading.problem(("ostree", "commit"), f"this commit is not in {repository}")
