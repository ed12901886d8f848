"""Bring a commit from another repository into ours: verified, resumable, with exact progress."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from engine.cancel import CancelToken
from engine.errors import NetworkError, OstreeError, SignatureError
from engine.events import Emit, LogLine, discard
from engine.free_space import require_space, whole_blocks
from engine.local_import import can_import, import_commit
from engine.objects import ObjectSize, missing, present_objects, recorded_sizes, staged_objects
from engine.ostree import GLib, OSTree, is_transient, run_blocking, translated
from engine.packages.transport import file_path
from engine.progress import ProgressMeter
from engine.remotes import parse_summary, read_ref, read_remote, remote_url, url_problem
from engine.repo import Commit, Repo
from engine.stall import PATIENCE, StallGuard, is_waiting

_ATTEMPTS = 3
_CHECKSUM = re.compile("[0-9a-f]{64}")
_Result = TypeVar("_Result")


def pull(
    repo: Repo,
    remote: str,
    ref: str,
    *,
    commit: str | None = None,
    url: str | None = None,
    emit: Emit = discard,
    cancel: CancelToken | None = None,
    step: str = "pull",
    workers: int | None = None,
    accept: Callable[[Commit], None] | None = None,
    patience: float = PATIENCE,
) -> str:
    """Bring ref (or exactly commit, its 64 hex digits) into repo and set "remote:ref" to it.

    The commit is verified as the configured remote asks for; url is where it is read from instead
    of the remote's own (media, mirror). Every object's checksum is verified. workers: processes
    for a local archive repository (default: one a processor, at most 4). accept: gets the commit
    before its tree is transferred, and raises what is wrong with it. patience: seconds that
    a server may send nothing.

    Returns the commit's id. Progress is in bytes as the source stores them when the commit
    records its sizes, else in objects. What was transferred before a failure is kept: the next
    pull goes on there; until the end the commit is marked partial and cannot be deployed.
    Raises NetworkError, SignatureError, OstreeError, Cancelled.
    """
    location = url or remote_url(repo, remote)
    problem = url_problem(location)
    if problem:
        raise OstreeError(f"{location} cannot be a repository: {problem}.", "Correct the URL.")
    if commit is not None and not _CHECKSUM.fullmatch(commit):
        raise OstreeError(f"{commit!r} is not a commit id.", "Give all of its 64 hex digits.")
    remote_url(repo, remote)  # it must exist: its settings say what to verify
    job = _Pull(
        repo,
        remote=remote,
        ref=ref,
        url=location,
        override=url is not None,
        emit=emit,
        cancel=cancel or CancelToken(),
        step=step,
        patience=patience,
    )
    return job.run(commit, workers, accept)


def pull_commit_object(
    repo: Repo,
    remote: str,
    ref: str,
    *,
    commit: str | None = None,
    directories: Sequence[str] = (),
    emit: Emit = discard,
    cancel: CancelToken | None = None,
    patience: float = PATIENCE,
) -> Commit:
    """What the remote's ref names now (or exactly commit): the commit itself, verified, and of its
    tree only these directories ("/usr/etc"). No ref is changed; the next pull goes on from there.
    Raises as `pull`.
    """
    job = _Pull(
        repo,
        remote=remote,
        ref=ref,
        url=remote_url(repo, remote),
        override=False,
        emit=emit,
        cancel=cancel or CancelToken(),
        step="pull",
        patience=patience,
    )
    return job.look(commit, directories)


class _Pull:
    def __init__(
        self,
        repo: Repo,
        *,
        remote: str,
        ref: str,
        url: str,
        override: bool,
        emit: Emit,
        cancel: CancelToken,
        step: str,
        patience: float,
    ) -> None:
        self._repo = repo
        self._remote = remote
        self._ref = ref
        self._url = url
        self._override = {"override-url": GLib.Variant("s", url)} if override else {}
        self._emit = emit
        self._cancel = cancel
        self._step = step
        self._patience = patience
        self._what = f"pull {ref} from {url}"
        self._source = self._open_source()

    def run(
        self,
        commit: str | None,
        workers: int | None,
        accept: Callable[[Commit], None] | None,
    ) -> str:
        checksum = commit or self._patiently(self._resolve)
        self._patiently(lambda: self._call([checksum], OSTree.RepoPullFlags.COMMIT_ONLY))
        self._check_binding(checksum, named=commit is None)
        if accept is not None:
            accept(self._repo.load_commit(checksum))
        if self._source is not None:
            self._import(self._source, checksum, workers)
        else:
            self._fetch(checksum)
        return checksum

    def look(self, commit: str | None, directories: Sequence[str]) -> Commit:
        """The commit object, and some directories."""
        checksum = commit or self._patiently(self._resolve)
        self._patiently(lambda: self._call([checksum], OSTree.RepoPullFlags.COMMIT_ONLY))
        self._check_binding(checksum, named=commit is None)
        if directories:
            self._patiently(lambda: self._call([checksum], directories=directories))
        return self._repo.load_commit(checksum)

    def _open_source(self) -> Repo | None:
        """The repository of a file:// URL when its objects can be imported by our processes."""
        path = file_path(self._url)
        if path is None:
            return None
        source = Repo.open(path)
        _ok, verify_summary = self._repo.native.remote_get_gpg_verify_summary(self._remote)
        return source if can_import(source, self._repo) and not verify_summary else None

    def _resolve(self) -> str:
        """The commit that the source's ref names."""
        if self._source is not None:
            return self._source.require(self._ref)
        options = GLib.Variant("a{sv}", self._override)
        guard = StallGuard(self._what, self._patience)
        with translated(self._what):
            _ok, summary, _signatures = run_blocking(
                lambda native: self._repo.native.remote_fetch_summary_with_options(
                    self._remote, options, native
                ),
                self._cancel,
                watch=guard.check,
                waits=lambda: True,
            )
        if summary is None:
            tls = read_remote(self._repo, self._remote).tls
            return read_ref(self._url, self._ref, tls=tls, cancel=self._cancel).commit
        refs = parse_summary(self._url, summary.get_data())
        if self._ref not in refs:
            listed = ", ".join(sorted(refs)) or "none"
            raise OstreeError(f"{self._url} has no ref {self._ref!r}.", f"Its refs: {listed}.")
        return refs[self._ref].commit

    def _check_binding(self, checksum: str, named: bool) -> None:
        """A commit says which refs it was made for: a server cannot pass off one as another."""
        bound = self._repo.load_commit(checksum).metadata.get("ostree.ref-binding", ())
        if named and bound and self._ref not in bound:
            raise SignatureError(
                f"Could not {self._what}: the commit {checksum} was made for "
                f"{', '.join(bound)}, not for {self._ref}.",
                "The repository is damaged or was tampered with.",
            )

    def _import(self, source: Repo, checksum: str, workers: int | None) -> None:
        if self._repo.load_commit(checksum).partial:
            needed = missing(recorded_sizes(self._repo, checksum), present_objects(self._repo))
            self._check_space(needed)
            meter = ProgressMeter(self._emit, self._step)
            import_commit(
                source, self._repo, checksum, needed, meter, cancel=self._cancel, workers=workers
            )
            meter.finish()
        self._repo.set_ref(f"{self._remote}:{self._ref}", checksum)

    def _fetch(self, checksum: str) -> None:
        """Everything of the commit, by libostree; sets the ref."""
        sizes = recorded_sizes(self._repo, checksum)
        meter = ProgressMeter(self._emit, self._step, "bytes" if sizes else "objects")
        counters = _Counters(meter)

        def attempt() -> None:
            if sizes:
                present = present_objects(self._repo) | staged_objects(self._repo)
                needed = missing(sizes, present)
                self._check_space(needed)
                counters.begin(sum(size.stored for size in needed))
            self._call([self._ref], OSTree.RepoPullFlags.NONE, checksum, counters)

        self._patiently(attempt)
        meter.finish()

    def _call(
        self,
        refs: list[str],
        flags: Any = OSTree.RepoPullFlags.NONE,
        commit: str | None = None,
        counters: _Counters | None = None,
        directories: Sequence[str] = (),
    ) -> None:
        values = {
            "refs": GLib.Variant("as", refs),
            "flags": GLib.Variant("i", int(flags)),
            "depth": GLib.Variant("i", 0),
            **self._override,
            "update-frequency": GLib.Variant("u", 100),
            "append-user-agent": GLib.Variant("s", "photree"),
        }
        if directories:
            values["subdirs"] = GLib.Variant("as", [*directories])
        if commit is not None:
            values["override-commit-ids"] = GLib.Variant("as", [commit])
        options = GLib.Variant("a{sv}", values)
        progress = OSTree.AsyncProgress.new()
        guard = StallGuard(self._what, self._patience)

        def watch() -> None:
            guard.check(progress)
            if counters is not None:
                counters.read(progress)

        try:
            with translated(self._what):
                run_blocking(
                    lambda native: self._repo.native.pull_with_options(
                        self._remote, options, progress, native
                    ),
                    self._cancel,
                    watch=watch,
                    waits=lambda: is_waiting(progress),
                )
        finally:
            progress.finish()

    def _patiently(self, action: Callable[[], _Result]) -> _Result:
        """Again when the connection broke: each attempt goes on where the last one ended."""
        for attempt in range(1, _ATTEMPTS):
            try:
                return action()
            except NetworkError as error:
                if not is_transient(error):
                    raise
                text = f"{error.message} Trying again ({attempt} of {_ATTEMPTS - 1})."
                self._emit(LogLine(text, level="warning", step=self._step))
        return action()

    def _check_space(self, needed: tuple[ObjectSize, ...]) -> None:
        """Before anything is transferred. Counts whole blocks, as file systems do."""
        bare = self._repo.mode != "archive"
        sizes = (size.unpacked if bare else size.stored for size in needed)
        require_space(self._repo, sum(map(whole_blocks, sizes)), self._what)


class _Counters:
    """libostree's counters as ours, over several attempts."""

    def __init__(self, meter: ProgressMeter) -> None:
        self._meter = meter
        self._total = 0
        self._before = 0

    def begin(self, total: int) -> None:
        """An attempt begins with total bytes to transfer."""
        self._total = max(self._total, total)
        self._before = self._total - total

    def read(self, progress: Any) -> None:
        """Objects are requested as directories are scanned: their number is known only when that
        has ended, while bytes are known from the commit, or from a static delta."""
        transferred = self._before + progress.get_uint64("bytes-transferred")
        fetched, requested = progress.get_uint("fetched"), progress.get_uint("requested")
        if progress.get_uint("total-delta-parts"):
            total = progress.get_uint64("total-delta-part-size")
            self._meter.update(transferred, min(total, self._total) or total)
        elif self._total:
            self._meter.update(transferred, self._total, f"{fetched} of {requested} objects")
        else:
            busy = ("scanning", "outstanding-metadata-fetches")
            unknown = any(progress.get_uint(key) for key in busy)
            self._meter.update(fetched, 0 if unknown else requested)
