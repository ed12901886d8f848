"""Whatever goes wrong, a sentence says so, a hint says what to do, and the host is as before."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import (
    Cancelled,
    NetworkError,
    OstreeError,
    PackageError,
    PhotreeError,
    SignatureError,
)
from engine.events import Event, Progress, StepStarted
from engine.jobs.client import start
from engine.jobs.launcher import Launcher
from engine.jobs.store import BusyError, Store
from engine.ostree import OSTree
from engine.pull import pull, pull_commit_object
from engine.remotes import RemoteConfig, add_remote
from engine.stall import StallGuard
from engine.sysroot import Sysroot
from engine.transactions.cleanup import Cleanup
from engine.transactions.packages import ChangePackages
from engine.transactions.rebase import Rebase
from engine.transactions.rollback import Rollback
from engine.transactions.transaction import Transaction
from engine.transactions.undeploy import Undeploy
from engine.transactions.upgrade import Upgrade
from tests.engine.transactions.conftest import TestHost
from tests.engine.transactions.test_packages import PackageHost, base_packages, builds
from tests.engine.transactions.test_packages import host as package_host
from tests.engine.trees import REF, many_files, ostree
from tests.gpg import GpgKey
from tests.nginx import closed_port, nginx
from tests.rpms import Entry, Package

__all__ = ["base_packages", "builds", "package_host"]

NEXT = "5.0_minimal.3"
MB = 1 << 20
# quarters of the objects come at this rate, so that there is a middle
SLOW = "location ~ ^/objects/[0-3].*filez { limit_rate 2k; }"
LARGE = {f"usr/share/large{number}": bytes([number]) * 4 * MB for number in range(2)}
BIG = Package("big", {f"/usr/share/big{number}": Entry("b" * 4 * MB) for number in range(2)})
SMALL = Package("small", {"/usr/share/small": Entry("s" * MB)}, {"%post": "touch /etc/small"})


def state(host: TestHost) -> list[object]:
    """All that decides what boots, and how."""
    boot = host.path / "boot"
    roots = host.path / "ostree/deploy"
    return [
        host.admin_status(),
        {ref: it for ref, it in host.repo.refs().items() if ref.startswith("ostree/")},
        {path: path.read_bytes() for path in boot.rglob("*") if path.is_file()},
        {path: path.readlink() for path in boot.rglob("*") if path.is_symlink()},
        sorted(path.name for path in roots.glob("*/deploy/*")),
        {path: path.read_text() for path in roots.glob("*/deploy/*.origin")},
    ]


@contextmanager
def refused(
    host: TestHost, error: type[PhotreeError] | tuple[type[PhotreeError], ...], says: str
) -> Iterator[None]:
    """The block fails with one sentence and a hint, and nothing has changed."""
    before = state(host)
    with pytest.raises(error, match=says) as caught:
        yield
    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert state(host) == before


def follow(host: TestHost, url: str, key: Path | None = None) -> None:
    """Let the host's remote lead elsewhere."""
    config = RemoteConfig("photon", url, gpg_verify=key is not None, gpg_key=key)
    add_remote(host.repo, config, replace=True)


def test_an_unknown_ref(host: TestHost) -> None:
    with refused(host, OstreeError, "has no ref 'photon/7'"):
        host.run(Rebase, refspec="photon/7")


def test_a_server_that_cannot_be_reached(host: TestHost) -> None:
    follow(host, f"http://127.0.0.1:{closed_port()}/")
    with refused(host, NetworkError, "does not accept connections"):
        host.run(Upgrade)


def test_a_server_that_never_answers(host: TestHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        follow(host, f"http://127.0.0.1:{server.getsockname()[1]}/")
        with refused(host, NetworkError, r"for 0\.3 s the server has sent nothing"):
            pull_commit_object(host.repo, "photon", REF, patience=0.3)
        commit = host.commits["5.0_minimal.2"]
        with refused(host, NetworkError, r"for 0\.3 s the server has sent nothing"):
            pull(host.repo, "photon", REF, commit=commit, patience=0.3)


def test_waiting_for_a_server_that_never_answers_is_cancelled(host: TestHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        follow(host, f"http://127.0.0.1:{server.getsockname()[1]}/")
        before = state(host)

        def cancel_when_asked() -> None:
            server.accept()
            host.cancel.cancel()

        threading.Thread(target=cancel_when_asked).start()
        with pytest.raises(Cancelled):
            host.run(Upgrade)
        assert state(host) == before


def test_a_server_that_sends_next_to_nothing(host: TestHost, tmp_path: Path) -> None:
    host.publish(NEXT, **many_files(1, 640))
    crawling = "location ~ filez { limit_rate 100; }"
    with nginx(host.server, tmp_path / "crawling", directives=crawling) as server:
        follow(host, server.url)
        with refused(host, NetworkError, "next to nothing"):
            pull(host.repo, "photon", REF, patience=1.5)
    follow(host, host.url)
    assert host.run(Upgrade).changed
    assert host.versions[0] == NEXT


def test_a_transfer_stands_still_only_while_the_server_is_waited_for() -> None:
    now = [0.0]
    guard = StallGuard("pull", 10, lambda: now[0])
    progress = OSTree.AsyncProgress.new()
    progress.set_uint64("start-time", 1)

    def later(**values: int) -> None:
        for key, value in values.items():
            progress.set_uint(key.replace("_", "-"), value)
        now[0] += 9
        guard.check(progress)

    later(outstanding_writes=7, outstanding_fetches=3)
    later()
    later(outstanding_writes=0, outstanding_fetches=0)
    later()
    later(outstanding_fetches=3)
    later(fetched=1)
    later()
    progress.set_uint64("bytes-transferred", 10_000)
    later()
    progress.set_uint64("bytes-transferred", 10_999)
    with pytest.raises(NetworkError):
        later()
        later()
    progress.finish()


def test_a_strangers_signature(host: TestHost, keys: tuple[GpgKey, GpgKey], tmp_path: Path) -> None:
    publisher, stranger = keys
    commit = host.publish(NEXT)
    where = [f"--repo={host.server}", f"--gpg-homedir={publisher.homedir}"]
    ostree("gpg-sign", *where, commit, publisher.id)
    for deployment in host.deployments:  # or ostree cannot show them
        where[0] = f"--repo={host.repo.path}"
        ostree("gpg-sign", *where, deployment.commit, publisher.id)
    follow(host, host.url, stranger.public)
    with refused(host, SignatureError, "not signed by a key that the remote trusts"):
        host.run(Upgrade)
    follow(host, host.url, publisher.public)
    assert host.run(Upgrade).changed


def test_a_tampered_object(host: TestHost) -> None:
    before = set(host.server.glob("objects/*/*.filez"))
    host.publish(NEXT, **many_files(3))
    one, other = sorted({*host.server.glob("objects/*/*.filez")} - before)[:2]
    good = one.read_bytes()
    one.write_bytes(other.read_bytes())
    with refused(host, SignatureError, f"the object {one.parent.name}{one.stem}.* is damaged"):
        host.run(Upgrade)
    one.write_bytes(good)
    assert host.run(Upgrade).changed
    ostree("fsck", "--quiet", f"--repo={host.repo.path}")


def test_the_booted_deployment_is_not_undeployed(host: TestHost) -> None:
    before = state(host)
    with pytest.raises(AssertionError, match=r"booted: it cannot be removed\. Boot another one"):
        host.run_booted(Undeploy, host.deployments[1], index=1)
    assert state(host) == before


def test_a_second_transaction_is_refused_with_the_name_of_the_first(
    host: TestHost, tmp_path: Path
) -> None:
    host.publish(NEXT, **many_files(100))
    store = Store(tmp_path / "jobs")
    launcher = Launcher((sys.executable, "-P", "-m", "engine.jobs.runner"))
    with nginx(host.server, tmp_path / "slow", directives=SLOW) as server:
        follow(host, server.url)
        job = start(store, Upgrade(sysroot=str(host.path)), launcher=launcher)
        try:
            until(lambda: Sysroot.load(host.path).busy)
            with refused(host, BusyError, rf"busy: upgrade \(process {job.pid}, since"):
                start(store, Rollback(sysroot=str(host.path)), launcher=launcher)
            with refused(host, OstreeError, rf"in use by .* \(process {job.pid}\)"):
                host.run(Rollback)
        finally:
            job.cancel()
            assert job.wait().cancelled
    assert host.run(Rollback).changed


def test_the_lock_of_ostree_s_own_command_is_named(host: TestHost, tmp_path: Path) -> None:
    host.publish(NEXT, **many_files(100))
    with nginx(host.server, tmp_path / "slow", directives=SLOW) as server:
        follow(host, server.url)
        argv = ["ostree", "admin", "upgrade", f"--sysroot={host.path}", "--os=photon"]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
            try:
                until(lambda: Sysroot.load(host.path).busy)
                with refused(host, OstreeError, rf"in use by ostree \(process {process.pid}\)"):
                    host.run(Rollback)
            finally:
                process.kill()
    assert host.run(Rollback).changed


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never happened"


@contextmanager
def on_a_disk(host: TestHost, size: int) -> Iterator[TestHost]:
    """The same host, its system root on a file system of so many bytes."""
    image, path = host.path.with_name("image"), host.path.with_name("disk")
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-b", "4096", image], check=True)
    path.mkdir()
    subprocess.run(["mount", "-o", "loop", image, path], check=True)
    try:
        subprocess.run(["cp", "--archive", f"{host.path}/.", path], check=True)
        yield replace(host, path=path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(host: TestHost, leave: int = 0) -> None:
    """Let only so many bytes be free."""
    subprocess.run(["sync", "-f", host.path], check=True)  # what was removed is free only then
    with (host.path / "filler").open("wb") as file:
        end, step = 0, sys.maxsize
        while (want := min(step, free_bytes(host.path) - leave)) >= 4096:
            try:
                os.posix_fallocate(file.fileno(), end, want)
                end += want
            except OSError:  # the list of the file's blocks needs some, too
                os.ftruncate(file.fileno(), end)
                step = want // 2


def free_bytes(path: Path) -> int:
    have = os.statvfs(path)
    return have.f_bavail * have.f_frsize


def free_again(host: TestHost) -> None:
    (host.path / "filler").unlink()


def run_filling(
    host: TestHost, when: Callable[[Event], bool], transaction: type[Transaction], **values: object
) -> None:
    """Run the transaction; the disk is filled by somebody else at this event."""

    def emit(event: Event) -> None:
        if when(event) and not (host.path / "filler").exists():
            fill(host)

    transaction(sysroot=str(host.path), **values).execute(emit, host.cancel)  # type: ignore[arg-type]


def test_a_tree_that_does_not_fit_is_refused_before_it_is_transferred(
    host: TestHost, tmp_path: Path
) -> None:
    host.publish(NEXT, **LARGE)
    with on_a_disk(host, 64 * MB) as small:
        with nginx(host.server, tmp_path / "web") as server:
            follow(small, server.url)
            fill(small, leave=9 * MB)  # enough for it, but not with what libostree keeps free
            with refused(small, OstreeError, r"needs 8 MB in .* where \d MB are free \(1 MB are"):
                small.run(Upgrade)
        assert not [each for each in server.requests() if each.path.endswith(".filez")]
        free_again(small)
        follow(small, host.url)
        assert small.run(Upgrade).changed


def test_a_disk_that_gets_full_in_the_middle_of_a_pull(host: TestHost, tmp_path: Path) -> None:
    host.publish(NEXT, **many_files(200))
    with on_a_disk(host, 64 * MB) as small:
        with nginx(host.server, tmp_path / "slow", directives=SLOW) as server:
            follow(small, server.url)
            with refused(small, OstreeError, "[Nn]o space|min-free-space"):
                run_filling(small, lambda event: isinstance(event, Progress), Upgrade)
        free_again(small)
        follow(small, host.url)
        assert small.run(Upgrade).changed
        small.run(Cleanup, base=True)
        ostree("fsck", "--quiet", f"--repo={small.repo.path}")


def test_a_disk_that_gets_full_in_the_middle_of_a_deployment(host: TestHost) -> None:
    with on_a_disk(host, 64 * MB) as small:
        with refused(small, OstreeError, "[Nn]o space"):
            run_filling(small, begins("deploy"), Upgrade)
        free_again(small)
        assert small.run(Upgrade).changed
        assert small.versions[0] == "5.0_minimal.2"


def begins(step: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, StepStarted) and event.step == step


def test_packages_that_do_not_fit_are_refused_before_they_are_downloaded(
    package_host: PackageHost,
) -> None:
    package_host.serve(BIG)
    with on_a_disk(package_host, 64 * MB) as small:
        fill(small, leave=9 * MB)
        with refused(small, OstreeError, r"layer the packages: it needs \d+ MB in .* MB are free"):
            small.run(ChangePackages, install=("big",))
        assert not list(small.path.rglob("*.rpm"))
        free_again(small)
        assert small.run(ChangePackages, install=("big",)).changed


@pytest.mark.parametrize("step", ["download", "import", "assemble", "scripts", "commit", "deploy"])
def test_a_disk_that_gets_full_in_the_middle_of_layering(
    package_host: PackageHost, step: str
) -> None:
    package_host.serve(SMALL)
    with on_a_disk(package_host, 64 * MB) as small:
        with refused(small, (PackageError, OstreeError), "[Nn]o space|min-free-space"):
            run_filling(small, begins(step), ChangePackages, install=("small",))
        free_again(small)
        assert small.run(ChangePackages, install=("small",)).changed
        assert (small.deployments[0].path / "usr/share/small").is_file()
        small.run(Cleanup, base=True)
        ostree("fsck", "--quiet", f"--repo={small.repo.path}")
