import threading
from functools import partial
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import Cancelled, PackageError
from engine.events import Emit, LogLine, Progress
from engine.packages.download import Wanted, download, file_checksum
from engine.packages.parallel import ByteCounter, in_parallel
from engine.packages.transport import Transport
from tests.engine.packages.conftest import Listener, config_of
from tests.nginx import nginx


def test_results_keep_the_order_of_the_tasks(emit: Listener, cancel: CancelToken) -> None:
    second_is_done = threading.Event()

    def first(_cancel: CancelToken, _emit: Emit) -> str:
        second_is_done.wait(10)
        return "first"

    def second(_cancel: CancelToken, _emit: Emit) -> str:
        second_is_done.set()
        return "second"

    assert in_parallel([first, second], 2, emit, cancel) == ["first", "second"]


def test_events_come_in_the_callers_thread(cancel: CancelToken) -> None:
    threads = []

    def say(_cancel: CancelToken, emit: Emit) -> None:
        emit(LogLine("hello"))

    in_parallel([say], 1, lambda _event: threads.append(threading.current_thread()), cancel)
    assert threads == [threading.current_thread()]


def test_the_first_error_stops_the_other_tasks_and_is_raised(
    emit: Listener, cancel: CancelToken
) -> None:
    def fail(_cancel: CancelToken, _emit: Emit) -> None:
        raise PackageError("broken")

    def wait(inner: CancelToken, _emit: Emit) -> None:
        stopped = threading.Event()
        with inner.calling(stopped.set):
            assert stopped.wait(10)
        inner.check()

    with pytest.raises(PackageError, match="broken"):
        in_parallel([wait, fail, wait], 3, emit, cancel)
    assert not cancel.cancelled


def test_cancelling_from_outside_reaches_every_task(emit: Listener) -> None:
    cancel = CancelToken()

    def wait(inner: CancelToken, _emit: Emit) -> None:
        stopped = threading.Event()
        with inner.calling(stopped.set):
            assert stopped.wait(10)
        inner.check()

    with pytest.raises(Cancelled):
        in_parallel([wait] * 3, 2, emit, cancel, on_turn=cancel.cancel)


def test_what_is_told_never_goes_back(emit: Listener) -> None:
    counter = ByteCounter(100, emit, "step")
    for change in (60, -60, 30, 90):
        counter.add(change)
        counter.report()
    progress = [event for event in emit.events if isinstance(event, Progress)]
    assert [event.done for event in progress] == [60, 60, 60, 100]


def test_two_that_want_one_file_get_it_once(
    tmp_path: Path, emit: Listener, cancel: CancelToken
) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "file").write_bytes(b"x" * 300_000)
    checksum = file_checksum(tmp_path / "www" / "file", "sha256", cancel)
    target = tmp_path / "cache" / "file"

    def get(wanted: Wanted, inner: CancelToken, _emit: Emit) -> None:
        with Transport(config_of("http://127.0.0.1/"), inner) as transport:
            download(wanted, target, transport, inner, lambda _count: None)

    with nginx(tmp_path / "www", tmp_path / "nginx", directives="limit_rate 1m;") as server:
        wanted = Wanted("The file", (server.url + "file",), checksum, 300_000)
        in_parallel([partial(get, wanted)] * 2, 2, emit, cancel)
    assert len(server.requests()) == 1
    assert [path.name for path in target.parent.iterdir()] == ["file"]
