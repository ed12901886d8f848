"""Show the deployments of this machine in boot order.

The running one is marked. While a transaction is active root is told which one: `photree attach`
shows its progress.

Exit code: 0, or 77 with --pending-exit-77 when the next boot brings another deployment than the
running one.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.command import Commands, SystemCommands
from engine.differences.packages import package_changes
from engine.health.summary import health_lines
from engine.jobs.job import Job
from engine.repo import Commit
from engine.state_file import utc
from engine.status import (
    DeploymentStatus,
    Signature,
    SystemStatus,
    read_status,
    to_json,
)
from engine.sysroot import Sysroot
from engine.updates.record import UpdateFound

EXIT_PENDING = 77
_KEY_WIDTH = len("InactiveRemoteOverrides")  # rpm-ostree's longest: the same columns as there
_UPDATE_KEY_WIDTH = len("SecAdvisories")
_OURS, _RPM_OSTREES = "photree-automatic", "rpm-ostreed-automatic"  # .timer and .service of each
_UNIT_KINDS = ("timer", "service")
_BRANCH, _LAST_BRANCH, _BOOTED = "├", "└", "●"
_PLAIN = {_BRANCH: "|-", _LAST_BRANCH: "`-", _BOOTED: "*"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rpm-ostree status`, and --sysroot."""
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print more (index, StateRoot, Staged ...)"
    )
    parser.add_argument("--json", action="store_true", help="print rpm-ostree's JSON document")
    parser.add_argument(
        "-b", "--booted", action="store_true", help="only print the booted deployment"
    )
    parser.add_argument(
        "--pending-exit-77",
        action="store_true",
        help="exit with 77 when a deployment is waiting for the next boot",
    )
    parser.add_argument(
        "--sysroot", type=Path, default=Path("/"), metavar="PATH", help="another system root"
    )


def run(options: argparse.Namespace) -> int:
    status = read_status(Sysroot.load(options.sysroot))
    if options.json:
        document = to_json(status, only_booted=options.booted)
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
    else:
        lines = StatusText(
            SystemCommands(), verbose=options.verbose, only_booted=options.booted
        ).lines(status)
        text = "".join(f"{line}\n" for line in lines)
        sys.stdout.write(printable(text, sys.stdout.encoding or "ascii"))
    pending = options.pending_exit_77 and status.pending is not None
    return EXIT_PENDING if pending else 0


def printable(text: str, encoding: str) -> str:
    """With signs that every terminal has when the encoding lacks ours."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        for sign, plain in _PLAIN.items():
            text = text.replace(sign, plain)
        return text.encode(encoding, errors="replace").decode(encoding)
    return text


class StatusText:
    """The layout of `rpm-ostree status`. commands: asks systemd for the timer's state."""

    def __init__(
        self, commands: Commands, *, verbose: bool = False, only_booted: bool = False
    ) -> None:
        self._commands = commands
        self._verbose = verbose
        self._only_booted = only_booted

    def lines(self, status: SystemStatus) -> Iterator[str]:
        yield f"State: {'busy' if status.busy else 'idle'}"
        yield from self._automatic_updates(status)
        if status.job is not None:
            yield from _transaction(status.job)
        if status.health is not None:
            yield from health_lines(status.health)
        yield "BootedDeployment:" if self._only_booted else "Deployments:"
        shown = [
            each for each in status.deployments if each.deployment.booted or not self._only_booted
        ]
        for number, each in enumerate(shown):
            if number:
                yield ""
            yield from self._deployment(each, status)
        if status.policy != "none" and status.available_update is not None:
            yield ""
            yield from _available_update(status.available_update)

    def _automatic_updates(self, status: SystemStatus) -> Iterator[str]:
        if status.configuration_problems:
            yield "AutomaticUpdates: disabled; the configuration is not valid"
            for problem in status.configuration_problems:
                yield f"  {problem}"
        elif status.policy != "none":
            yield f"AutomaticUpdates: {status.policy}; {self._timer_state()}"
            if status.last_run is not None:
                yield f"  LastRun: {status.last_run.time}; {status.last_run.message}"
        elif self._verbose:
            yield "AutomaticUpdates: disabled"

    def _timer_state(self) -> str:
        """In rpm-ostree's words; of its timer where that runs and ours does not."""
        names = [f"{name}.{kind}" for name in (_OURS, _RPM_OSTREES) for kind in _UNIT_KINDS]
        output = self._commands.run(
            ["systemctl", "show", "--property=ActiveState,ExecMainExitTimestamp", *names],
            accept=tuple(range(256)),
        )
        units = [dict(_pairs(block)) for block in output.stdout.strip().split("\n\n")]
        if len(units) != len(names):
            return f"{_OURS}.timer: unknown state"
        states = {_OURS: units[:2], _RPM_OSTREES: units[2:]}
        running = [name for name in states if states[name][0].get("ActiveState") == "active"]
        if not running:
            return f"{_OURS}.timer: inactive"
        name = running[0]
        service = states[name][1]
        words = {"failed": "last run failed", "active": "running", "activating": "running"}
        if service.get("ActiveState") in words:
            return f"{name}.service: {words[service['ActiveState']]}"
        last = service.get("ExecMainExitTimestamp")
        return f"{name}.timer: " + (f"last run {last}" if last else "no runs since boot")

    def _deployment(self, status: DeploymentStatus, system: SystemStatus) -> Iterator[str]:
        deployment, origin = status.deployment, status.deployment.origin
        name = origin.custom_url or origin.refspec or origin.container or deployment.commit
        index = f" (index: {deployment.index})" if self._verbose else ""
        yield f"{_BOOTED if deployment.booted else ' '} {name}{index}"
        if origin.custom_description:
            yield _row("CustomOrigin", origin.custom_description)
        if status.remote_error:
            yield _row("OstreeRemoteStatus", status.remote_error)
        yield from self._commit(status)
        yield from self._state(status, system)
        yield from self._local_changes(status)
        if deployment.pinned:
            yield _row("Pinned", "yes")
        if deployment.unlocked != "none":
            yield _row("Unlocked", deployment.unlocked)
        if status.end_of_life:
            yield _row("EndOfLife", status.end_of_life)

    def _commit(self, status: DeploymentStatus) -> Iterator[str]:
        title = status.base.metadata.get("ostree.source-title")
        if title:
            yield f"  {_LAST_BRANCH} {title}"
        when = _utc(status.base.timestamp)
        version = status.commit.version
        yield _row("Version", f"{version} ({when})") if version else _row("Timestamp", when)
        yield _row("BaseCommit" if status.layered else "Commit", status.base.checksum)
        if self._verbose:
            yield from _repositories(status.base, big_endian=True)
            if status.layered:
                yield _row("Commit", status.commit.checksum)
                yield from _repositories(status.commit, big_endian=False)

    def _state(self, status: DeploymentStatus, system: SystemStatus) -> Iterator[str]:
        deployment = status.deployment
        if self._verbose and (deployment.staged or deployment.index == 0):
            yield _row("Staged", "yes" if deployment.staged else "no")
        if self._verbose or system.has_several_stateroots:
            yield _row("StateRoot", deployment.osname)
        if status.gpg_enabled:
            yield from _signature_rows(status.signatures)
        if status is system.pending and system.booted is not None:
            changes = package_changes(system.booted.commit, status.commit)
            if changes:
                yield _row("Diff", str(changes))

    def _local_changes(self, status: DeploymentStatus) -> Iterator[str]:
        origin = status.deployment.origin
        removed = status.commit.metadata.get("rpmostree.removed-base-packages", ())
        replaced = status.commit.metadata.get("rpmostree.replaced-base-packages", ())
        yield from _list("RemovedBasePackages", [f"{each[1]} {_evr(each)}" for each in removed])
        yield from _list("LocalOverrides", _overrides(replaced))
        remote = status.commit.metadata.get("rpmostree.replaced-base-remote-packages", {})
        for source, pairs in sorted(remote.items()):
            yield _row("RemoteOverrides", source)
            yield from (_row("", f"{_LAST_BRANCH} {each}") for each in sorted(_overrides(pairs)))
        if self._verbose:
            inactive = set(origin.requested_packages) - set(status.packages)
            yield from _list("InactiveRequests", _quoted(inactive))
        yield from _list("LayeredPackages", _quoted(status.packages))
        local = [entry.partition(":")[2] or entry for entry in origin.requested_local_packages]
        yield from _list("LocalPackages", _quoted(local))
        if origin.regenerate_initramfs:
            arguments = shlex.join(origin.initramfs_arguments)
            yield _row("Initramfs", arguments or "regenerate")
        if origin.cliwrap:
            yield _row("Cliwrap", "enabled")
        yield from _list("InitramfsEtc", _quoted(origin.initramfs_etc))


def _transaction(job: Job) -> Iterator[str]:
    user, since = job.specification.user, utc(job.specification.started)
    yield f"Transaction: {job.title}"
    yield f"  Initiator: {user} (process {job.pid}, since {since})"


def _available_update(update: UpdateFound) -> Iterator[str]:
    when, width = _utc(update.timestamp), _UPDATE_KEY_WIDTH
    yield "AvailableUpdate:"
    if update.version:
        yield _row("Version", f"{update.version} ({when})", width)
    else:
        yield _row("Timestamp", when, width)
    yield _row("Commit", update.checksum, width)
    if update.changes:
        yield _row("Diff", update.changes, width)


def _row(key: str, value: str, width: int = _KEY_WIDTH) -> str:
    return f"  {key:>{width}}{':' if key else ' '} {value}"


def _list(key: str, values: Sequence[str]) -> Iterator[str]:
    if values:
        yield _row(key, " ".join(sorted(values, key=str.lower)))


def _overrides(replaced: Sequence[tuple[Any, Any]]) -> list[str]:
    return [f"{new[1]} {_evr(old)} -> {_evr(new)}" for new, old in replaced]


def _quoted(values: Sequence[str] | set[str]) -> list[str]:
    return [shlex.quote(value) for value in values]


def _repositories(commit: Commit, *, big_endian: bool) -> Iterator[str]:
    """The RPM repositories a commit was made from; composed commits store times big-endian."""
    found = commit.metadata.get("rpmostree.rpmmd-repos", ())
    for number, each in enumerate(found, start=1):
        seconds = int(each.get("timestamp", 0))
        if big_endian:
            seconds = int.from_bytes(seconds.to_bytes(8, "little"), "big")
        branch = _LAST_BRANCH if number == len(found) else _BRANCH
        yield _row("", f"{branch} {each.get('id', '')} ({_utc(seconds)})")


def _signature_rows(signatures: Sequence[Signature] | None) -> Iterator[str]:
    if signatures is None:
        yield _row("GPGSignature", "(unsigned)")
        return
    for number, signature in enumerate(signatures):
        if signature.key_missing:
            text = f"Can't check signature: public key {signature.fingerprint} not found"
        else:
            kind = "Valid" if signature.valid else "Invalid"
            text = f"{kind} signature by {signature.fingerprint}"
        yield _row("" if number else "GPGSignature", text)


def _evr(package: Sequence[object]) -> str:
    """Of (nevra, name, epoch, version, release, architecture)."""
    _nevra, _name, epoch, version, release, *_arch = package
    return f"{epoch}:{version}-{release}" if epoch else f"{version}-{release}"


def _pairs(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        key, _equals, value = line.partition("=")
        yield key, value


def _utc(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "(invalid timestamp)"
