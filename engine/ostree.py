"""The one place that knows how GLib behaves: errors, cancellation, blocking calls, values.

Everything else in the engine calls libostree through `translated` and `run_blocking`, and sees
PhotreeError, CancelToken and plain Python values only.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import gi

gi.require_version("OSTree", "1.0")
from gi.repository import Gio, GLib, OSTree  # noqa: E402 - the version must be chosen first

from engine.cancel import CancelToken  # noqa: E402
from engine.errors import (  # noqa: E402
    Cancelled,
    NetworkError,
    OstreeError,
    PhotreeError,
    SignatureError,
)
from engine.gvariant import array_items  # noqa: E402

__all__ = [
    "GLib",
    "Gio",
    "OSTree",
    "cancellable",
    "is_transient",
    "plain",
    "run_blocking",
    "translated",
]

Result = TypeVar("Result")

_GPG_DOMAIN = "OstreeGpgError"
_IO_DOMAIN = "g-io-error-quark"
_TURN_SECONDS = 0.1
_CALLED_AWAY_SECONDS = 3.0

# libcurl's codes as libostree words them: "While fetching URL: [7] Couldn't connect to server"
_CURL = re.compile(r"While fetching (?P<url>\S+): \[(?P<code>\d+)\] (?P<text>.*)", re.DOTALL)
_HTTP = re.compile(r"Server returned (?:HTTP |status )(?P<status>\d{3})")
_URL = re.compile(r"(?:https?|file)://[^\s'\"]+")
_CORRUPTED = re.compile(
    r"Corrupted (?P<type>[\w-]+) object(?: (?P<csum>[0-9a-f]{64})[.\w-]*)?; "
    r"checksum expected='(?P<expected>[0-9a-f]{64})' actual='(?P<actual>[0-9a-f]{64})'"
)
_MISSING_OBJECT = re.compile(r"No such metadata object (?P<name>[0-9a-f]{64}\.\w+)")

_CURL_REASONS = {
    1: ("the kind of URL is not supported", "Use http://, https:// or file://."),
    3: ("the URL is malformed", "Correct the URL."),
    5: ("the proxy's name does not resolve", "Check the proxy setting."),
    6: ("the host name does not resolve", "Check the name, and the machine's DNS servers."),
    7: ("the server does not accept connections", "Check the address, and that it is running."),
    18: ("the connection broke in the middle of a file", "Run it again: it resumes."),
    28: ("the server did not answer in time", "Check the network, then run it again."),
    35: ("the TLS handshake failed", "Check that this port speaks HTTPS."),
    51: ("the server's certificate is for another name", "Use the name in the certificate."),
    52: ("the server closed the connection without an answer", "Run it again: it resumes."),
    55: ("the connection broke", "Run it again: it resumes."),
    56: ("the connection broke", "Run it again: it resumes."),
    58: ("the client certificate cannot be used", "Check the remote's TLS files."),
    60: ("the server's certificate is not trusted", "Give the CA that signed it."),
    77: ("the CA file cannot be read", "Check the remote's TLS files."),
}
_TRANSIENT = (18, 28, 52, 55, 56, 92)  # partial file, time, empty answer, broken, HTTP/2 stream
_GPG_REASONS = {
    0: ("it carries no signature", "Sign it, or configure the remote without verification."),
    1: ("its signature is malformed", "The repository may have been tampered with."),
    2: (
        "it is not signed by a key that the remote trusts",
        "Import the right public key for the remote.",
    ),
    3: ("its signature has expired", "Ask the repository's owner to sign it again."),
    4: ("the key that signed it has expired", "Import the renewed public key."),
    5: ("the key that signed it was revoked", "Import the new public key."),
}


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn a GLib.Error raised inside the block into "Could not WHAT: reason.".

    what: the action with its place, as in "pull photon/5.0 from http://host/repo".
    Raises Cancelled, NetworkError (transport, HTTP), SignatureError (GPG and checksums) or
    OstreeError; libostree's own sentence is kept as the detail.
    """
    try:
        yield
    except GLib.Error as error:
        raise _translate(error, what) from error


@contextmanager
def cancellable(token: CancelToken | None) -> Iterator[Any]:
    """A Gio.Cancellable that follows the token while the block runs."""
    native = Gio.Cancellable.new()
    if token is None:
        yield native
        return
    with token.calling(native.cancel):
        yield native


def run_blocking(
    work: Callable[[Any], Result],
    cancel: CancelToken | None = None,
    watch: Callable[[], None] | None = None,
    waits: Callable[[], bool] = lambda: False,
) -> Result:
    """Run work(cancellable) in a thread of its own; the caller stays able to act.

    A call into C does not let Python's signal handlers run: with this they run in the calling
    thread, and so does watch, every 100 ms while work runs and once after it ended well. The
    thread has its own GLib main context. When the caller is interrupted, or watch raises, the
    work is cancelled and awaited before the exception goes on. Raises what work raises.

    waits: whether work does nothing but wait for a server, from which libostree does not let itself
    be called away. After 3 s of that a cancelled one is left behind: its thread writes nothing any
    more, and ends when the server answers or breaks the connection, or with the process.
    """
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def body() -> None:
        context = GLib.MainContext.new()
        context.push_thread_default()
        try:
            outcome.append(work(native))
        except BaseException as error:
            failure.append(error)
        finally:
            context.pop_thread_default()

    with cancellable(cancel) as native:
        thread = threading.Thread(target=body, name="photree-libostree", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(_TURN_SECONDS)
                if native.is_cancelled():
                    _await_cancelled(thread, waits)
                elif watch is not None and thread.is_alive():
                    watch()
        except BaseException:
            native.cancel()
            with suppress(Cancelled):
                _await_cancelled(thread, waits)
            raise
    if failure:
        raise failure[0]
    if watch is not None:
        watch()
    return outcome[0]


def _await_cancelled(thread: threading.Thread, waits: Callable[[], bool]) -> None:
    """Until a cancelled thread has ended; raises Cancelled when it is to be left behind."""
    since = time.monotonic()
    while thread.is_alive():
        thread.join(_TURN_SECONDS)
        if not waits():
            since = time.monotonic()
        elif thread.is_alive() and time.monotonic() - since > _CALLED_AWAY_SECONDS:
            raise Cancelled()


def plain(value: Any) -> Any:
    """A GLib.Variant as Python values: byte arrays as bytes, dictionaries and tuples as such."""
    kind = value.get_type_string()
    if kind == "ay":
        return bytes(value.get_data_as_bytes().get_data() or b"")
    if kind == "v":
        return plain(value.get_variant())
    if kind == "a(sssss)":
        return _package_list(value)
    if kind.startswith("a{"):
        entries = (value.get_child_value(index) for index in range(value.n_children()))
        return {
            plain(entry.get_child_value(0)): plain(entry.get_child_value(1)) for entry in entries
        }
    if kind[0] in "a(m" and ("v" in kind or "ay" in kind):
        children = [plain(value.get_child_value(index)) for index in range(value.n_children())]
        return tuple(children) if kind[0] == "(" else children
    return value.unpack()


def _package_list(value: Any) -> list[tuple[str, ...]]:
    """The package list in a commit, thirty times as fast as by GLib's bindings."""
    raw = bytes(value.get_data_as_bytes().get_data() or b"")
    try:
        items = [item.split(b"\0", 5)[:5] for item in array_items(raw)]
        return [
            (a.decode(), b.decode(), c.decode(), d.decode(), e.decode()) for a, b, c, d, e in items
        ]
    except ValueError:  # malformed: GLib reads what can be read
        return list(value.unpack())


def is_transient(error: NetworkError) -> bool:
    """Whether the same request may succeed a moment later (broken connection, server failure)."""
    curl, http = _CURL.search(error.detail), _HTTP.search(error.detail)
    if curl is not None:
        return int(curl["code"]) in _TRANSIENT
    return http is not None and int(http["status"]) >= 500


def _translate(error: Any, what: str) -> PhotreeError:
    text = str(error.message)
    if error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED):
        return Cancelled()
    failed = f"Could not {what}"
    if error.domain == _GPG_DOMAIN:
        reason, hint = _GPG_REASONS.get(error.code, _GPG_REASONS[1])
        return SignatureError(f"{failed}: {reason}.", hint, text)
    for classify in (_corruption, _transport):
        translated_error = classify(failed, what, text)
        if translated_error is not None:
            return translated_error
    return _local(error, failed, text)


def _corruption(failed: str, _what: str, text: str) -> PhotreeError | None:
    match = _CORRUPTED.search(text)
    if match is not None:
        return SignatureError(
            f"{failed}: the object {match['expected']} ({match['type']}) is damaged; "
            f"its content has the checksum {match['actual']}.",
            "The repository is damaged or was tampered with: check it with `ostree fsck`.",
            text,
        )
    if "Corrupted" in text or ("checksum" in text and "expected" in text):
        return SignatureError(
            f"{failed}: {_sentence(text)}",
            "The repository is damaged or was tampered with: check it with `ostree fsck`.",
            text,
        )
    if "signature" in text.lower() and ("verif" in text.lower() or "sign" in text.lower()):
        return SignatureError(
            f"{failed}: {_sentence(text)}", "Check the remote's keys and signature settings.", text
        )
    return None


def _transport(failed: str, what: str, text: str) -> PhotreeError | None:
    curl = _CURL.search(text)
    if curl is not None:
        fallback = (curl["text"].strip().rstrip(".").lower(), "Check the network and the URL.")
        reason, hint = _CURL_REASONS.get(int(curl["code"]), fallback)
        return NetworkError(f"{failed}: {reason}{_place(what, curl['url'])}.", hint, text)
    http = _HTTP.search(text)
    if http is not None:
        return NetworkError(f"{failed}: {_status(int(http['status']))}.", _HTTP_HINT, text)
    return None


_HTTP_HINT = "Check the URL and that the server publishes an OSTree repository there."


def _status(status: int) -> str:
    known = {
        401: "the server asks for credentials (HTTP 401)",
        403: "the server refuses access (HTTP 403)",
        404: "the server has no such file (HTTP 404)",
    }
    if status >= 500:
        return f"the server reports a failure of its own (HTTP {status})"
    return known.get(status, f"the server answered HTTP {status}")


def _local(error: Any, failed: str, text: str) -> PhotreeError:
    """Errors of files and of libostree itself."""
    hint = ""
    if error.domain == _IO_DOMAIN:
        hint = {
            int(Gio.IOErrorEnum.NO_SPACE): "Free some disk space.",
            int(Gio.IOErrorEnum.PERMISSION_DENIED): "Run it as root.",
            int(Gio.IOErrorEnum.READ_ONLY): "Make the file system writable.",
        }.get(error.code, "")
    if "min-free-space" in text:
        hint = "Free some disk space."
    missing = _MISSING_OBJECT.search(text)
    if missing is not None:
        text_shown = f"the repository has no object {missing['name']}."
        return OstreeError(f"{failed}: {text_shown}", "The repository is incomplete.", text)
    if text.startswith("Unable to load summary") or "No summary" in text:
        hint = "Make one on the server: `ostree summary -u`."
    return OstreeError(f"{failed}: {_sentence(text)}", hint, text)


def _place(what: str, url: str) -> str:
    """The URL, unless the action already names one that begins alike."""
    named = _URL.search(what)
    return "" if named is not None and url.startswith(named[0].rstrip("/")) else f" ({url})"


def _sentence(text: str) -> str:
    """libostree's message as the end of a sentence of ours."""
    return text.strip().rstrip(".") + "."
