"""What `photree status` shows: the deployments with what is known of their commits.

The JSON has the keys of `rpm-ostree status --json`, which others read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import PhotreeError, Problem
from engine.health.record import read_health
from engine.health.summary import Health, health_of
from engine.jobs.job import Job
from engine.jobs.store import Store, state_folder
from engine.ostree import GLib, OSTree, plain
from engine.repo import Commit, Repo
from engine.revisions import is_layered
from engine.sysroot import Deployment, Sysroot
from engine.updates.configuration import read_settings
from engine.updates.record import LastRun, UpdateFound, read_last_run

_FINALIZATION_LOCK = Path("/run/ostree/staged-deployment-locked")
# shown under a name of their own, or too long for anybody
_HIDDEN_METADATA = (
    "rpmostree.rpmdb.pkglist",
    "rpmostree.advisories",
    "rpmostree.packages",
    "rpmostree.modules",
    "rpmostree.spec",
    "rpmostree.removed-base-packages",
    "rpmostree.replaced-base-packages",
    "rpmostree.replaced-base-remote-packages",
)


@dataclass(frozen=True)
class Signature:
    """A GPG signature of a commit, as the remote's keys see it. timestamp: seconds since 1970.
    values: all of libostree's attributes in its order."""

    fingerprint: str
    valid: bool
    key_missing: bool
    timestamp: int
    user: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class DeploymentStatus:
    """base: the commit that the remote signed; the deployment's own unless something was layered.
    signatures: None when the remote asks for none, or the commit has none. pending_base: what the
    ref names by now, when that is another commit. remote_error: why the origin's remote is unknown.
    """

    deployment: Deployment
    commit: Commit
    base: Commit
    layered: bool = False
    gpg_enabled: bool | None = None
    signatures: tuple[Signature, ...] | None = None
    remote_error: str = ""
    pending_base: Commit | None = None
    finalization_locked: bool = False

    @property
    def packages(self) -> tuple[str, ...]:
        """What was requested and really layered."""
        return tuple(self.commit.metadata.get("rpmostree.packages", ())) if self.layered else ()

    @property
    def end_of_life(self) -> str:
        return str(self.base.metadata.get("ostree.endoflife", ""))


@dataclass(frozen=True)
class SystemStatus:
    """policy: of automatic updates (none, check, stage, apply). configuration_problems: why there
    are none although somebody may want them. last_run: of the automatic updates. health: of the
    running deployment. busy: a change is going on. job: the one that makes it, if it is one of ours
    and who asks may see it."""

    deployments: tuple[DeploymentStatus, ...]
    policy: str = "none"
    busy: bool = False
    errors: Sequence[str] = field(default=())
    configuration_problems: tuple[Problem, ...] = ()
    last_run: LastRun | None = None
    health: Health | None = None
    job: Job | None = None

    @property
    def booted(self) -> DeploymentStatus | None:
        return next((each for each in self.deployments if each.deployment.booted), None)

    @property
    def pending(self) -> DeploymentStatus | None:
        """What the next boot brings when that is not what runs now."""
        if self.booted is None or self.deployments[0] is self.booted:
            return None
        return self.deployments[0]

    @property
    def available_update(self) -> UpdateFound | None:
        """What the last automatic look found, unless it was deployed since."""
        found = self.last_run.update if self.last_run is not None else None
        if found is None or any(each.base.checksum == found.checksum for each in self.deployments):
            return None
        return found

    @property
    def has_several_stateroots(self) -> bool:
        return len({each.deployment.osname for each in self.deployments}) > 1


def read_status(sysroot: Sysroot) -> SystemStatus:
    """The state of the moment; changes nothing and needs no privileges. Raises OstreeError."""
    repo = sysroot.repo
    deployments = tuple(_deployment_status(repo, each) for each in sysroot.deployments)
    root, state = _roots(sysroot)
    settings = read_settings(root)
    booted = sysroot.booted
    job = _running_job(sysroot)
    return SystemStatus(
        deployments,
        settings.policy,
        sysroot.busy or job is not None,
        configuration_problems=settings.problems,
        last_run=read_last_run(state),
        health=health_of(read_health(state), booted.id) if booted is not None else None,
        job=job,
    )


def to_json(status: SystemStatus, *, only_booted: bool = False) -> dict[str, Any]:
    """The document of `rpm-ostree status --json`, ready for json.dumps."""
    shown = [each for each in status.deployments if each.deployment.booted or not only_booted]
    update, job = status.available_update, status.job
    values: dict[str, Any] = {
        "deployments": [_deployment_json(each) for each in shown],
        # as rpm-ostree's D-Bus property: what is done, for whom, and where it is found
        "transaction": None if job is None else [job.title, job.specification.user, job.id],
        "cached-update": None if update is None else _update_json(update),
        "update-driver": None,
    }
    ours = {
        "job": None if job is None else _job_json(job),
        "automatic-updates": _automatic_json(status),
        "health": None if status.health is None else asdict(status.health),
    }
    return values | {key: value for key, value in ours.items() if value is not None}


def _job_json(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "title": job.title,
        "user": job.specification.user,
        "pid": job.pid,
        "started": job.specification.started,
    }


def _update_json(update: UpdateFound) -> dict[str, Any]:
    values: dict[str, Any] = {
        "checksum": update.checksum,
        "timestamp": update.timestamp,
        "ref-has-new-commit": True,
    }
    return values | ({"version": update.version} if update.version else {})


def _automatic_json(status: SystemStatus) -> dict[str, Any] | None:
    """None on a machine that has nothing to do with automatic updates."""
    run, problems = status.last_run, status.configuration_problems
    if status.policy == "none" and run is None and not problems:
        return None
    return {
        "policy": status.policy,
        "problems": [str(problem) for problem in problems],
        "last-run": None if run is None else asdict(run),
    }


def _deployment_status(repo: Repo, deployment: Deployment) -> DeploymentStatus:
    commit = repo.load_commit(deployment.commit)
    layered = is_layered(commit)
    base = repo.load_commit(commit.parent) if layered and commit.parent else commit
    known: dict[str, Any] = {}
    refspec = deployment.origin.refspec
    if refspec is not None and ":" in refspec:
        known |= _remote_status(repo, refspec, base.checksum)
    if refspec is not None and "remote_error" not in known:
        pending = repo.resolve(refspec)
        if pending is not None and pending != base.checksum and repo.has_commit(pending):
            known["pending_base"] = repo.load_commit(pending)
    locked = deployment.staged and _FINALIZATION_LOCK.exists()
    return DeploymentStatus(
        deployment, commit, base, layered=layered, finalization_locked=locked, **known
    )


def _remote_status(repo: Repo, refspec: str, checksum: str) -> dict[str, Any]:
    """Whether the remote of refspec asks for signatures, and what they are."""
    _ok, remote, _ref = OSTree.parse_refspec(refspec)
    try:
        _ok, enabled = repo.native.remote_get_gpg_verify(remote)
    except GLib.Error as error:
        return {"remote_error": str(error.message)}
    if not enabled:
        return {"gpg_enabled": False}
    return {"gpg_enabled": True, "signatures": _signatures(repo, remote, checksum)}


def _signatures(repo: Repo, remote: str, checksum: str) -> tuple[Signature, ...] | None:
    try:
        result = repo.native.verify_commit_for_remote(checksum, remote, None)
    except GLib.Error:  # it carries no signature
        return None
    return tuple(_signature(plain(result.get_all(index))) for index in range(result.count_all()))


def _signature(values: tuple[Any, ...]) -> Signature:
    attribute = OSTree.GpgSignatureAttr
    return Signature(
        fingerprint=values[int(attribute.FINGERPRINT)],
        valid=values[int(attribute.VALID)],
        key_missing=values[int(attribute.KEY_MISSING)],
        timestamp=values[int(attribute.TIMESTAMP)],
        user=f"{values[int(attribute.USER_NAME)]} <{values[int(attribute.USER_EMAIL)]}>",
        values=values,
    )


def _running_job(sysroot: Sysroot) -> Job | None:
    """None also for those who may not see it: the jobs are root's."""
    if not sysroot.deployments:
        return None
    try:
        return Store(state_folder(sysroot) / "jobs").running()
    except PhotreeError:
        return None


def _roots(sysroot: Sysroot) -> tuple[Path, Path]:
    """Where /etc and /var are: of the running system, or of what would boot next in another one."""
    deployments = sysroot.deployments
    if sysroot.is_booted or not deployments:
        return Path("/"), Path("/")
    first = deployments[0]
    return first.path, sysroot.path / "ostree/deploy" / first.osname


def _deployment_json(status: DeploymentStatus) -> dict[str, Any]:
    deployment, metadata = status.deployment, status.commit.metadata
    values: dict[str, Any] = {
        "id": deployment.id,
        "osname": deployment.osname,
        "checksum": deployment.commit,
        "serial": deployment.serial,
        "booted": deployment.booted,
        "staged": deployment.staged,
        "pinned": deployment.pinned,
        "unlocked": deployment.unlocked,
        **_origin_json(status),
        **_commit_json("", status.commit),
        "base-commit-meta": _visible(status.base.metadata),
        "packages": list(status.packages),
        "modules": list(metadata.get("rpmostree.modules", ())) if status.layered else [],
        "base-removals": metadata.get("rpmostree.removed-base-packages", []),
        "base-local-replacements": metadata.get("rpmostree.replaced-base-packages", []),
        "base-remote-replacements": metadata.get("rpmostree.replaced-base-remote-packages", {}),
    }
    if status.layered:
        values["base-checksum"] = status.base.checksum
        values |= _commit_json("base-", status.base)
        values["layered-commit-meta"] = _visible(metadata)
    if status.pending_base is not None:
        values["pending-base-checksum"] = status.pending_base.checksum
        values |= _commit_json("pending-base-", status.pending_base)
    if status.gpg_enabled is not None:
        values["gpg-enabled"] = status.gpg_enabled
    if status.signatures is not None:
        values["signatures"] = [list(signature.values) for signature in status.signatures]
    optional = {
        "remote-error": status.remote_error,
        "endoflife": status.end_of_life,
        "finalization-locked": status.finalization_locked,
    }
    values |= {key: value for key, value in optional.items() if value}
    return dict(_jsonable(values))


def _origin_json(status: DeploymentStatus) -> dict[str, Any]:
    origin = status.deployment.origin
    values: dict[str, Any] = {
        "requested-packages": sorted(origin.requested_packages),
        "requested-modules": [],
        "requested-modules-enabled": [],
        "requested-local-packages": _nevras(origin.requested_local_packages),
        "requested-local-fileoverride-packages": _nevras(
            origin.requested_local_fileoverride_packages
        ),
        "requested-base-removals": sorted(origin.removals),
        "requested-base-local-replacements": _nevras(origin.local_replacements),
        "requested-base-remote-replacements": [
            [source, sorted(names)]
            for source, *names in (entry.split(",") for entry in origin.replacements)
        ],
        "regenerate-initramfs": origin.regenerate_initramfs,
    }
    if origin.refspec is not None:
        values["origin"] = origin.refspec
    elif origin.container is not None:
        values["container-image-reference"] = origin.container
    if origin.custom_url:
        values["custom-origin"] = [origin.custom_url, origin.custom_description or ""]
    if origin.regenerate_initramfs or origin.initramfs_etc:
        values["initramfs-args"] = list(origin.initramfs_arguments)
        values["initramfs-etc"] = list(origin.initramfs_etc)
    if origin.cliwrap:
        values["cliwrap"] = True
    return values


def _nevras(entries: Sequence[str]) -> list[str]:
    """Without the checksum in "SHA256:NEVRA"."""
    return sorted(entry.partition(":")[2] or entry for entry in entries)


def _commit_json(prefix: str, commit: Commit) -> dict[str, Any]:
    values: dict[str, Any] = {f"{prefix}timestamp": commit.timestamp}
    if commit.version is not None:
        values[f"{prefix}version"] = commit.version
    return values


def _visible(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key not in _HIDDEN_METADATA}


def _jsonable(value: Any) -> Any:
    """Byte arrays as lists of numbers, as json-glib writes them."""
    if isinstance(value, bytes):
        return list(value)
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value
