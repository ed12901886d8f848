"""How GLib's errors, threads and values reach the rest of the program."""

import os
import signal
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken, cancelled_by_signals
from engine.errors import Cancelled, NetworkError, OstreeError, PhotreeError, SignatureError
from engine.ostree import Gio, GLib, plain, run_blocking, translated

SUM = "ab" * 32
ACTUAL = "cd" * 32


def io_error(text: str, code: Any = Gio.IOErrorEnum.FAILED) -> GLib.Error:
    return GLib.Error.new_literal(Gio.io_error_quark(), text, code)


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (
            io_error("While fetching http://h/config: [6] Couldn't resolve host name"),
            NetworkError,
            "Could not pull a: the host name does not resolve (http://h/config).",
        ),
        (
            io_error("While fetching http://h/config: [7] Couldn't connect to server"),
            NetworkError,
            "Could not pull a: the server does not accept connections (http://h/config).",
        ),
        (
            io_error("While fetching http://h/x: [99] Strange thing"),
            NetworkError,
            "Could not pull a: strange thing (http://h/x).",
        ),
        (
            io_error("Server returned HTTP 404", Gio.IOErrorEnum.NOT_FOUND),
            NetworkError,
            "Could not pull a: the server has no such file (HTTP 404).",
        ),
        (
            io_error(
                f"Corrupted dirtree object; checksum expected='{SUM}' actual='{ACTUAL}'",
            ),
            SignatureError,
            f"Could not pull a: the object {SUM} (dirtree) is damaged; "
            f"its content has the checksum {ACTUAL}.",
        ),
        (
            io_error("write: No space left on device", Gio.IOErrorEnum.NO_SPACE),
            OstreeError,
            "Could not pull a: write: No space left on device.",
        ),
        (
            GLib.Error.new_literal(GLib.quark_from_string("OstreeGpgError"), "Can't check", 2),
            SignatureError,
            "Could not pull a: it is not signed by a key that the remote trusts.",
        ),
    ],
)
def test_each_kind_of_failure_has_a_sentence_of_its_own(
    error: GLib.Error, kind: type[PhotreeError], says: str
) -> None:
    with pytest.raises(kind) as caught, translated("pull a"):
        raise error
    assert caught.value.message == says
    assert caught.value.hint
    assert caught.value.detail == error.message


def test_a_cancelled_call_is_no_failure() -> None:
    with pytest.raises(Cancelled), translated("pull a"):
        raise io_error("Operation was cancelled", Gio.IOErrorEnum.CANCELLED)


def test_the_url_is_not_said_twice() -> None:
    with pytest.raises(NetworkError) as caught, translated("pull a from http://h/repo"):
        raise io_error("While fetching http://h/repo/config: [7] Couldn't connect")
    assert caught.value.message.count("http://h") == 1


def wait_cancelled(native: Any) -> None:
    arrived = threading.Event()
    native.connect(lambda *_: arrived.set())
    arrived.wait(10)
    raise io_error("Operation was cancelled", Gio.IOErrorEnum.CANCELLED)


def test_a_signal_cancels_a_call_that_blocks() -> None:
    token = CancelToken()
    with (
        cancelled_by_signals(token),
        pytest.raises(Cancelled),
        translated("wait"),
    ):
        run_blocking(wait_cancelled, token, watch=lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert token.cancelled


def test_the_call_is_cancelled_when_watching_it_fails() -> None:
    ended = threading.Event()

    def work(native: Any) -> None:
        try:
            wait_cancelled(native)
        finally:
            ended.set()

    def watch() -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_blocking(work, watch=watch)
    assert ended.is_set()


def test_results_come_back_and_watch_sees_the_end() -> None:
    seen: list[int] = []
    assert run_blocking(lambda _native: 7, watch=lambda: seen.append(1)) == 7
    assert seen


def test_errors_of_the_call_are_raised_to_the_caller() -> None:
    def work(_native: Any) -> None:
        raise io_error("boom")

    with pytest.raises(OstreeError, match="Could not try: boom"), translated("try"):
        run_blocking(work)


values = st.recursive(
    st.one_of(
        st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])).map(
            lambda text: (GLib.Variant("s", text), text)
        ),
        st.binary().map(lambda data: (GLib.Variant("ay", data), data)),
        st.integers(0, 2**64 - 1).map(lambda number: (GLib.Variant("t", number), number)),
        st.booleans().map(lambda flag: (GLib.Variant("b", flag), flag)),
    ),
    lambda children: st.one_of(
        children.map(lambda pair: (GLib.Variant("v", pair[0]), pair[1])),
        st.lists(children, max_size=3).map(
            lambda pairs: (GLib.Variant("av", [p[0] for p in pairs]), [p[1] for p in pairs])
        ),
        st.dictionaries(st.text("abc", max_size=3), children, max_size=3).map(
            lambda found: (
                GLib.Variant("a{sv}", {key: pair[0] for key, pair in found.items()}),
                {key: pair[1] for key, pair in found.items()},
            )
        ),
    ),
    max_leaves=8,
)


@given(values)
def test_every_variant_becomes_the_python_value_it_was_made_of(pair: tuple[Any, Any]) -> None:
    variant, value = pair
    assert plain(variant) == value


def test_a_package_list_is_a_list_of_tuples() -> None:
    rows = [("bash", "0", "5.2", "1.ph5", "x86_64")]
    assert plain(GLib.Variant("a(sssss)", rows)) == rows
