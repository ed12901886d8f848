"""Reading http:, https: and file: URLs, and saying in plain words why one could not be read.

requests takes 100 ms to load: it is loaded when something is read over a network.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar
from urllib.parse import unquote, urlsplit

from engine.cancel import CancelToken
from engine.errors import NetworkError
from engine.events import Emit, LogLine, discard
from engine.packages.model import without_password
from engine.packages.repofiles import RepositoryConfig

if TYPE_CHECKING:
    import requests

_T = TypeVar("_T")
CHUNK = 256 * 1024
_HTTP_CHUNK = 64 * 1024  # what a slow line brings often enough to be shown
CONNECTIONS = 4


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, in seconds, and how often it is asked.

    The wait before a further attempt doubles each time.
    """

    attempts: int = 4
    first_wait: float = 1.0
    connect: float = 15.0
    read: float = 30.0


class FetchError(NetworkError):
    """A URL could not be read. lasting: asking again will not help. missing: it is not there."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        detail: str = "",
        lasting: bool = True,
        missing: bool = False,
    ):
        super().__init__(message, hint, detail)
        self.lasting = lasting
        self.missing = missing


@dataclass(frozen=True)
class Body:
    """The bytes of an answer. offset: where they begin in the file (0 when a server ignores that
    only a part was asked for). addresses: where it came from over a network, redirects first."""

    offset: int
    chunks: Iterator[bytes]
    addresses: tuple[str, ...] = ()


class Transport:
    """Reads the URLs of one repository, with its certificates. For use by several threads."""

    def __init__(
        self,
        config: RepositoryConfig,
        cancel: CancelToken,
        emit: Emit = discard,
        patience: Patience | None = None,
    ) -> None:
        self._config = config
        self._cancel = cancel
        self._emit = emit
        self._patience = patience or Patience()
        # given with every request, because requests prefers REQUESTS_CA_BUNDLE to the session's
        self._verify: bool | str = config.sslverify and (config.sslcacert or _trusted())

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_exception: object) -> None:
        if "_session" in vars(self):  # it was needed
            self._session.close()

    @cached_property
    def _session(self) -> requests.Session:
        import requests  # noqa: PLC0415
        import urllib3  # noqa: PLC0415

        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS))
        session.headers["User-Agent"] = "photree"
        session.headers["Accept-Encoding"] = "identity"
        config = self._config
        if config.username:
            session.auth = (config.username, config.password)
        if config.sslclientcert:
            key = config.sslclientkey
            session.cert = (config.sslclientcert, key) if key else config.sslclientcert
        if not config.sslverify:  # said by `read_repositories`, and not by writing to a screen
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        return session

    def read(self, url: str, limit: int = 64 * 1024 * 1024) -> bytes:
        """The whole of a small file. Raises FetchError, Cancelled."""

        def once() -> bytes:
            content = bytearray()
            with self.open(url) as body:
                for chunk in body.chunks:
                    content += chunk
                    if len(content) > limit:
                        raise FetchError(f"{without_password(url)} is larger than {limit} bytes.")
            return bytes(content)

        return self.patiently(once)

    def patiently(self, action: Callable[[], _T]) -> _T:
        """What action returns; it is called again, after growing waits, while it fails in a way
        that may pass. The last error is raised."""
        wait = self._patience.first_wait
        for attempt in range(1, self._patience.attempts):
            try:
                return action()
            except FetchError as error:
                if error.lasting:
                    raise
                text = f"{error.message} Trying again in {wait:g} s ({attempt} of "
                text += f"{self._patience.attempts - 1})."
                self._emit(LogLine(text, level="warning"))
            self._pause(wait)
            wait *= 2
        return action()

    @contextlib.contextmanager
    def open(self, url: str, offset: int = 0) -> Iterator[Body]:
        """The bytes of url from offset on. Raises FetchError, also while chunks are taken."""
        self._cancel.check()
        if urlsplit(url).scheme == "file":
            with _opened(url) as file:
                file.seek(offset)
                yield Body(offset, self._file_chunks(url, file))
            return
        with _translated(url, self._patience):
            response = self._session.get(
                url,
                headers={"Range": f"bytes={offset}-"} if offset else {},
                stream=True,
                timeout=(self._patience.connect, self._patience.read),
                verify=self._verify,
            )
        with response, self._cancel.calling(lambda: _break_off(response)):
            if response.status_code == 416 and offset:
                raise FetchError(f"{without_password(url)} ends before byte {offset}.")
            if response.status_code not in (200, 206):
                raise _status_error(url, response)
            start = offset if response.status_code == 206 else 0
            addresses = tuple(each.url for each in (*response.history, response))
            yield Body(start, self._http_chunks(url, response), addresses)

    def _file_chunks(self, url: str, file: BinaryIO) -> Iterator[bytes]:
        while True:
            self._cancel.check()
            try:
                chunk = file.read(CHUNK)
            except OSError as error:
                raise FetchError(f"{file_path(url)} cannot be read: {error.strerror}.") from error
            if not chunk:
                return
            yield chunk

    def _http_chunks(self, url: str, response: requests.Response) -> Iterator[bytes]:
        with _translated(url, self._patience, self._cancel):
            for chunk in response.iter_content(_HTTP_CHUNK):
                self._cancel.check()
                yield chunk
            self._cancel.check()

    def _pause(self, seconds: float) -> None:
        woken = threading.Event()
        with self._cancel.calling(woken.set):
            woken.wait(seconds)
        self._cancel.check()


def file_path(url: str) -> Path | None:
    """The path of a file: URL, or None for another URL."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _trusted() -> bool | str:
    """The system's certificates, which know a company's own authority; else those of requests."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True


def _break_off(response: requests.Response) -> None:
    """Wake a thread that waits for the server (urllib3 before 2.3 waits for its time limit)."""
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    shutdown = getattr(response.raw, "shutdown", None)
    if shutdown is not None:
        with contextlib.suppress(OSError, ValueError, HTTPError):
            shutdown()


def _opened(url: str) -> BinaryIO:
    path = file_path(url) or Path()
    try:
        return path.open("rb")
    except FileNotFoundError:
        hint = "Is the medium mounted, and the path right?"
        raise FetchError(f"There is no file {path}.", hint, missing=True) from None
    except OSError as error:
        raise FetchError(f"{path} cannot be read: {error.strerror}.") from error


@contextlib.contextmanager
def _translated(url: str, patience: Patience, cancel: CancelToken | None = None) -> Iterator[None]:
    import requests  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        yield
    except (requests.RequestException, HTTPError, OSError) as error:
        if cancel is not None:
            cancel.check()
        raise _network_error(url, error, patience) from error


def _network_error(url: str, error: Exception, patience: Patience) -> FetchError:
    """The reason in a sentence of its own for each kind of failure."""
    import requests  # noqa: PLC0415
    from urllib3.exceptions import NewConnectionError  # noqa: PLC0415

    host = urlsplit(url).hostname or ""
    causes = list(_causes(error))
    kinds = tuple(type(cause) for cause in causes)
    lasting, hint = False, "Check the network."
    if isinstance(error, requests.exceptions.ProxyError):
        reason = f"the proxy did not pass the request on: {_innermost(causes)}"
        lasting, hint = True, "Check http_proxy and https_proxy."
    elif isinstance(error, requests.exceptions.SSLError):
        reason = f"TLS with {host} failed: {_certificate_reason(causes)}"
        lasting = True
        hint = _certificate_hint(causes)
    elif socket.gaierror in kinds:
        lasting = not any(getattr(cause, "errno", None) == socket.EAI_AGAIN for cause in causes)
        what = f"the name {host} is not known" if lasting else f"no name server answers for {host}"
        reason = f"{what} (DNS)"
        hint = "Check the name, and the machine's name servers."
    elif isinstance(error, requests.exceptions.ConnectTimeout):
        reason = f"{host} did not answer within {patience.connect:g} s"
    elif isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
        reason = f"{host} sent nothing for {patience.read:g} s"
    elif ConnectionRefusedError in kinds:
        reason = f"{host} refused the connection"
        hint = "Does the web server run there, and is the port right?"
    elif NewConnectionError in kinds:
        reason = f"{host} cannot be reached: {_innermost(causes)}"
    elif isinstance(error, ValueError):
        reason, lasting, hint = "it is not a valid URL", True, ""
    else:
        reason = f"the connection to {host} broke"
    message = f"{without_password(url)} could not be read: {reason}."
    return FetchError(message, hint, repr(error), lasting)


def _status_error(url: str, response: requests.Response) -> FetchError:
    status = response.status_code
    what = f"{without_password(url)} could not be read"
    host = urlsplit(url).hostname
    if status in (404, 410):
        hint = "Check the URL, and that the repository was published there."
        return FetchError(f"{what}: {host} has no such file ({status}).", hint, missing=True)
    if status in (401, 403, 407):
        hint = "Check username and password, or the client certificate."
        return FetchError(f"{what}: {host} does not allow it ({status}).", hint)
    lasting = status < 500 and status not in (408, 425, 429)
    reason = f"{host} answered {status} {response.reason}"
    return FetchError(f"{what}: {reason}.", "Try again later.", lasting=lasting)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """error and what it was made from, the innermost last."""
    seen: set[int] = set()
    pending: list[BaseException] = [error]
    while pending:
        current = pending.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [current.__cause__, current.__context__, getattr(current, "reason", None)]
        pending += [item for item in (*inner, *current.args) if isinstance(item, BaseException)]


def _innermost(causes: list[BaseException]) -> str:
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return str(causes[-1])


# by OpenSSL's codes: not yet valid, expired, another name, another address
_CERTIFICATE_HINTS = {
    9: "Check the machine's clock: it may be behind.",
    10: "Ask the server's owner to renew it, or check the machine's clock.",
    62: "Use the name that the certificate is for.",
    64: "Use the name or address that the certificate is for.",
}


def _certificate_hint(causes: list[BaseException]) -> str:
    refused = next(
        (each for each in causes if isinstance(each, ssl.SSLCertVerificationError)), None
    )
    if refused is None:
        return "Check that this port speaks HTTPS."
    other = "Add the authority that signed it to the machine's certificates, or give sslcacert=."
    return _CERTIFICATE_HINTS.get(refused.verify_code, other)


def _certificate_reason(causes: list[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted ({cause.verify_message})"
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return str(cause.reason).replace("_", " ").lower()
    return _innermost(causes)
