import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import Cancelled, NetworkError, PackageError, SignatureError
from engine.events import Progress
from engine.packages.fetch import fetch_packages
from engine.packages.model import PackageRequest, Resolution
from engine.packages.repofiles import RepositoryConfig
from engine.packages.rpmmd import load_repositories
from engine.packages.solver import resolve_packages
from tests.engine.packages.conftest import QUICK, Listener, config_of
from tests.engine.packages.rpms import Rpm, build, index
from tests.nginx import Request, nginx

BIG = 400_000
Get = Callable[..., list[Path]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fetch")
    noise = random.Random(1).randbytes(BIG)
    packages = [Rpm("big", files={"/usr/share/big": noise}), Rpm("small"), Rpm("tiny+plus")]
    build(packages, folder / "r", folder / "build")
    index(folder / "r")
    return folder / "r"


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "repository"))


@pytest.fixture
def cachedir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def resolution(folder: Path, *names: str) -> Resolution:
    """The packages of the repository in folder."""
    cancel, emit = CancelToken(), Listener()
    repositories = load_repositories(
        [config_of(folder)], folder.parent / "metadata", SystemCommands(), emit, cancel
    )
    requests = [PackageRequest(name) for name in names or ("big", "small", "tiny+plus")]
    return resolve_packages(repositories, requests, "x86_64", emit, cancel)


def at(resolution: Resolution, *bases: str) -> Resolution:
    """The same packages, from other places."""
    packages = tuple(
        replace(package, urls=tuple(base + package.location for base in bases))
        for package in resolution.packages
    )
    return replace(resolution, packages=packages)


def fetch(
    wanted: Resolution,
    cachedir: Path,
    emit: Callable[[object], None] | None = None,
    cancel: CancelToken | None = None,
    config: RepositoryConfig | None = None,
) -> list[Path]:
    return fetch_packages(
        wanted,
        [config or config_of("http://127.0.0.1/")],
        cachedir,
        emit or Listener(),
        cancel or CancelToken(),
        patience=QUICK,
    )


def rpm_requests(requests: list[Request]) -> list[Request]:
    return [request for request in requests if request.path.endswith(".rpm")]


def contents(paths: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


def originals(wanted: Resolution, folder: Path) -> list[bytes]:
    return [(folder / package.location).read_bytes() for package in wanted.packages]


def test_files_come_in_the_order_of_the_packages(
    folder: Path, cachedir: Path, tmp_path: Path
) -> None:
    wanted = resolution(folder)
    with nginx(folder, tmp_path / "nginx") as server:
        paths = fetch(at(wanted, server.url), cachedir)
    assert contents(paths) == originals(wanted, folder)
    assert sorted(cachedir.glob("packages/*")) == sorted(paths), "no parts are left"


def test_progress_is_in_bytes_with_the_total_known_and_never_goes_back(
    folder: Path, cachedir: Path, tmp_path: Path
) -> None:
    wanted, emit = resolution(folder), Listener()
    with nginx(folder, tmp_path / "nginx", directives="limit_rate 1m;") as server:
        fetch(at(wanted, server.url), cachedir, emit)
    for step in ("download", "verify"):
        progress = [e for e in emit.events if isinstance(e, Progress) and e.step == step]
        assert {event.total for event in progress} == {wanted.size}
        assert {event.unit for event in progress} == {"bytes"}
        done = [event.done for event in progress]
        assert done == sorted(done)
        assert done[-1] == wanted.size
    downloads = [e for e in emit.events if isinstance(e, Progress) and e.step == "download"]
    assert downloads[-1].rate > 0


def test_what_is_in_the_cache_is_not_asked_for_again(
    folder: Path, cachedir: Path, tmp_path: Path
) -> None:
    wanted = resolution(folder)
    with nginx(folder, tmp_path / "nginx") as server:
        first = fetch(at(wanted, server.url), cachedir)
        assert fetch(at(wanted, server.url), cachedir) == first
    assert len(rpm_requests(server.requests())) == len(wanted.packages)


def test_a_damaged_file_in_the_cache_is_got_again(
    folder: Path, cachedir: Path, tmp_path: Path
) -> None:
    wanted = resolution(folder, "small")
    with nginx(folder, tmp_path / "nginx") as server:
        (path,) = fetch(at(wanted, server.url), cachedir)
        path.write_bytes(b"x" + path.read_bytes()[1:])
        assert contents(fetch(at(wanted, server.url), cachedir)) == originals(wanted, folder)


def test_a_download_that_was_interrupted_goes_on_where_it_was(
    folder: Path, cachedir: Path, tmp_path: Path
) -> None:
    wanted, cancel = resolution(folder, "big"), CancelToken()

    def stop_in_the_middle(event: object) -> None:
        if isinstance(event, Progress) and event.done:
            cancel.cancel()

    with (
        nginx(folder, tmp_path / "slow", directives="limit_rate 150k;") as server,
        pytest.raises(Cancelled),
    ):
        fetch(at(wanted, server.url), cachedir, stop_in_the_middle, cancel)
    (part,) = cachedir.glob("packages/*")
    size = part.stat().st_size
    assert 0 < size < wanted.size
    with nginx(folder, tmp_path / "nginx") as server:
        paths = fetch(at(wanted, server.url), cachedir)
    assert contents(paths) == originals(wanted, folder)
    (request,) = rpm_requests(server.requests())
    assert (request.status, request.range) == (206, f"bytes={size}-")


def test_cancelling_does_not_wait_for_a_slow_server(
    folder: Path, cachedir: Path, tmp_path: Path
) -> None:
    wanted, cancel = resolution(folder, "big"), CancelToken()
    with nginx(folder, tmp_path / "nginx", directives="limit_rate 1k;") as server:
        start = time.monotonic()
        with pytest.raises(Cancelled):
            fetch(at(wanted, server.url), cachedir, lambda _event: cancel.cancel(), cancel)
    assert time.monotonic() - start < QUICK.read


@pytest.mark.parametrize("kind", ["other bytes", "too long", "complete"])
def test_a_part_is_never_trusted(folder: Path, cachedir: Path, tmp_path: Path, kind: str) -> None:
    wanted = resolution(folder, "big")
    (package,) = wanted.packages
    (whole,) = originals(wanted, folder)
    part = cachedir / "packages" / f"{package.checksum.value}-{package.location}.part"
    part.parent.mkdir(parents=True)
    content = {"other bytes": b"z" * 1000, "too long": whole + b"z", "complete": whole}[kind]
    part.write_bytes(content)
    with nginx(folder, tmp_path / "nginx") as server:
        assert contents(fetch(at(wanted, server.url), cachedir)) == [whole]
    assert (
        len(rpm_requests(server.requests()))
        == {"other bytes": 2, "too long": 1, "complete": 0}[kind]
    )


def test_a_server_without_ranges_sends_everything_again(
    folder: Path, cachedir: Path, tmp_path: Path
) -> None:
    wanted = resolution(folder, "big")
    (package,) = wanted.packages
    (whole,) = originals(wanted, folder)
    part = cachedir / "packages" / f"{package.checksum.value}-{package.location}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(whole[:1000])
    with nginx(folder, tmp_path / "nginx", directives="max_ranges 0;") as server:
        assert contents(fetch(at(wanted, server.url), cachedir)) == [whole]


def test_a_wrong_checksum_names_package_url_and_both_checksums(
    folder: Path, cachedir: Path, tmp_path: Path
) -> None:
    wanted = resolution(folder, "small")
    (package,) = wanted.packages
    file = folder / package.location
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with (
        nginx(folder, tmp_path / "nginx") as server,
        pytest.raises(SignatureError) as caught,
    ):
        fetch(at(wanted, server.url), cachedir)
    message = caught.value.message
    assert "The package small-1-1.noarch of the repository main has a wrong checksum" in message
    assert server.url + package.location in message
    assert f"expected {package.checksum}" in message
    assert message.count("sha256:") == 2
    assert not list(cachedir.glob("packages/*"))


def test_a_shorter_file_is_no_endless_loop(folder: Path, cachedir: Path, tmp_path: Path) -> None:
    wanted = resolution(folder, "small")
    file = folder / wanted.packages[0].location
    os.truncate(file, 100)
    with (
        nginx(folder, tmp_path / "nginx") as server,
        pytest.raises(NetworkError, match=r"ended after 100 of \d+ bytes|ends before byte 100"),
    ):
        fetch(at(wanted, server.url), cachedir)


def test_a_missing_file_is_not_tried_again(folder: Path, cachedir: Path, tmp_path: Path) -> None:
    wanted = resolution(folder, "small")
    (folder / wanted.packages[0].location).unlink()
    with nginx(folder, tmp_path / "nginx") as server, pytest.raises(NetworkError) as caught:
        fetch(at(wanted, server.url), cachedir)
    assert "The package small-1-1.noarch of the repository main" in caught.value.message
    assert "no such file (404)" in caught.value.message
    assert len(rpm_requests(server.requests())) == 1


def test_another_mirror_is_taken_when_the_first_has_a_wrong_file(
    folder: Path, cachedir: Path, tmp_path: Path
) -> None:
    wanted = resolution(folder, "small")
    bad = tmp_path / "bad"
    bad.mkdir()
    size = wanted.packages[0].size
    (bad / wanted.packages[0].location).write_bytes(b"x" * size)
    with nginx(tmp_path, tmp_path / "nginx") as server:
        mirrors = at(wanted, f"{server.url}bad/", f"{server.url}repository/")
        assert contents(fetch(mirrors, cachedir)) == originals(wanted, folder)


def test_a_local_repository_is_used_in_place_after_its_checksum_was_verified(
    folder: Path, cachedir: Path
) -> None:
    wanted = resolution(folder)
    paths = fetch(wanted, cachedir)
    assert [path.parent for path in paths] == [folder] * 3
    assert not cachedir.exists()
    content = bytearray(paths[0].read_bytes())
    content[-1] ^= 1
    paths[0].write_bytes(content)
    with pytest.raises(SignatureError, match="has a wrong checksum: file:///"):
        fetch(wanted, cachedir)
    paths[0].unlink()
    with pytest.raises(NetworkError, match="is missing: there is no file"):
        fetch(wanted, cachedir)


def test_a_cache_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    wanted = resolution(folder, "small")
    cachedir = tmp_path / "cache"
    cachedir.write_text("in the way")
    with (
        nginx(folder, tmp_path / "nginx") as server,
        pytest.raises(PackageError, match=f"could not be stored in {cachedir}/packages"),
    ):
        fetch(at(wanted, server.url), cachedir)
