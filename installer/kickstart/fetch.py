"""Where a kickstart is (a file or a URL), and how its text comes from there.

Other places (the medium, a disk, VMware's guestinfo) are further classes beside these two.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from engine.cancel import CancelToken
from engine.errors import NetworkError, PlanError, Problem
from engine.events import Emit, LogLine

MAX_BYTES = 1024 * 1024
ATTEMPTS = 5
FIRST_WAIT_SECONDS = 1.0
_TIMEOUT_SECONDS = (10.0, 30.0)  # to connect, between two pieces
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class LocalFile:
    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class WebAddress:
    """verify: whether the server's certificate must be right."""

    url: str
    verify: bool = True

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


Address = LocalFile | WebAddress
Wait = Callable[[float], None]


def parse_address(text: str, *, insecure: bool = False) -> Address:
    """FILE, file:///FILE, https://, https+insecure:// (any certificate), and http:// when insecure.

    Raises PlanError.
    """
    scheme = text.split(":", 1)[0] if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) else ""
    match scheme.lower():
        case "":
            return LocalFile(Path(text))
        case "file":
            return LocalFile(Path(urlsplit(text).path))
        case "https":
            return WebAddress(text)
        case "https+insecure":
            return WebAddress("https" + text[len(scheme) :], verify=False)
        case "http" if insecure:
            return WebAddress(text)
        case "http":
            message = "anybody on the way can change what comes over http://"
            hint = "use https://, or allow it: --insecure-installation"
        case _:
            message = f"kickstarts do not come over {scheme}://"
            hint = "use a file, https:// or https+insecure://"
    raise PlanError("The kickstart cannot be fetched.", [Problem(text, message, hint)])


def fetch_text(address: Address, emit: Emit, cancel: CancelToken, wait: Wait | None = None) -> str:
    """The kickstart's text. Raises NetworkError (network, certificate, no such file) and PlanError
    (bad file), each of which says which it is. wait: sleeps for seconds."""
    if isinstance(address, WebAddress):
        data = _download(address, emit, cancel, wait or _waiting(cancel))
    else:
        data = _read(address.path)
    return _decode(data, str(address))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        problem = Problem(str(path), f"cannot be read: {error.strerror}")
        raise PlanError("The kickstart cannot be read.", [problem]) from error


def _decode(data: bytes, name: str) -> str:
    problem = ""
    text = ""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 text (byte {error.start + 1})"
    if len(data) > MAX_BYTES:
        problem = f"larger than {MAX_BYTES // 1024} KiB, which no kickstart is"
    elif re.match(r"\s*<(!doctype\s+html|html)\b", text, re.IGNORECASE):
        problem = "a web page, not a kickstart"
    if problem:
        hint = "Is the address right?"
        raise PlanError("This is no kickstart.", [Problem(name, problem)], hint)
    return text


def _download(address: WebAddress, emit: Emit, cancel: CancelToken, wait: Wait) -> bytes:
    """Try again, with growing waits, as long as it may be the network."""
    delay = FIRST_WAIT_SECONDS
    for attempt in range(1, ATTEMPTS + 1):
        cancel.check()
        emit(LogLine(f"Fetching {address} (attempt {attempt} of {ATTEMPTS})"))
        try:
            return _get(address, cancel)
        except _PassingError as error:
            if attempt == ATTEMPTS:
                raise NetworkError(error.message, error.hint, error.detail) from error
            emit(LogLine(f"{error.message} Trying again in {delay:.0f} s.", level="warning"))
            wait(delay)
            delay *= 2
    raise AssertionError("unreachable")


class _PassingError(NetworkError):
    """A failure that may be gone at the next attempt."""


def _get(address: WebAddress, cancel: CancelToken) -> bytes:
    import requests  # noqa: PLC0415 - costs 100 ms, and most kickstarts are files

    server = urlsplit(str(address)).netloc
    try:
        return _stream(address, cancel)
    except requests.exceptions.SSLError as error:
        raise NetworkError(
            f"The certificate of {server} is not trusted.",
            hint="Check the machine's clock and the server's certificate, or use https+insecure://.",
            detail=str(error),
        ) from error
    except (requests.exceptions.InvalidURL, requests.exceptions.TooManyRedirects) as error:
        raise NetworkError(f"{address} leads nowhere.", detail=str(error)) from error
    except requests.exceptions.RequestException as error:
        raise _PassingError(
            f"The network does not reach {server} ({_reason(error)}).",
            hint="Check the network's configuration, the server's name, and that it runs.",
            detail=str(error),
        ) from error


def _stream(address: WebAddress, cancel: CancelToken) -> bytes:
    """At most a little more than MAX_BYTES of what is there."""
    import requests  # noqa: PLC0415

    data = b""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the certificate is not checked was asked for
        response = requests.get(
            address.url, timeout=_TIMEOUT_SECONDS, verify=address.verify, stream=True
        )
    with response:
        _check_status(response.status_code, response.reason, str(address))
        if address.url.startswith("https:") and not response.url.startswith("https:"):
            raise NetworkError(f"{address} leads to http://, which anybody can change.")
        for piece in response.iter_content(65536):
            cancel.check()
            data += piece
            if len(data) > MAX_BYTES:
                break
    return data


def _check_status(code: int, reason: str, name: str) -> None:
    if code == 200:
        return
    if code in (404, 410):
        hint = "Check the path; the server itself answers."
        raise NetworkError(f"There is no {name} on the server ({code}).", hint)
    kind = _PassingError if code in _TRY_AGAIN else NetworkError
    raise kind(f"The server refuses {name}: {code} {reason}.", "Look into the server's log.")


_REASONS = (
    ("Name or service not known", "its name is not known"),
    ("Temporary failure in name resolution", "no name server answers"),
    ("No address associated", "its name has no address"),
    ("Connection refused", "the connection is refused"),
    ("Network is unreachable", "there is no route"),
    ("No route to host", "there is no route"),
    ("timed out", "no answer in time"),
    ("IncompleteRead", "the connection broke"),
    ("Connection reset", "the connection broke"),
    ("Connection aborted", "the connection broke"),
)


def _reason(error: Exception) -> str:
    said = str(error)
    return next((words for sign, words in _REASONS if sign in said), type(error).__name__)


def _waiting(cancel: CancelToken) -> Wait:
    def wait(seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            cancel.check()
            time.sleep(min(left, 0.1))

    return wait
