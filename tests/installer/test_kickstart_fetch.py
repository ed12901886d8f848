"""Kickstarts from files and servers, and errors that tell one trouble from another."""

import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import Cancelled, NetworkError, PlanError
from engine.events import discard
from installer.kickstart.fetch import (
    ATTEMPTS,
    MAX_BYTES,
    LocalFile,
    WebAddress,
    fetch_text,
    parse_address,
)

TEXT = "hostname: größe\n"


class Server(http.server.ThreadingHTTPServer):
    """Answers with the statuses in turn, the last one again and again; 200 has the body."""

    def __init__(self, *statuses: int, body: bytes = TEXT.encode()) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses = list(statuses)
        self.body = body
        self.location = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/ks.yaml"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        statuses = self.server.statuses
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        body = self.server.body if status == 200 else b""
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator:
    running = []

    def start(*statuses: int, **options) -> Server:
        server = Server(*statuses, **options)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def fetch(address, events=None, waits=None) -> str:
    record = events.append if events is not None else discard
    wait = waits.append if waits is not None else lambda seconds: None
    return fetch_text(address, record, CancelToken(), wait)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("host.yaml", LocalFile(Path("host.yaml"))),
        ("/a/b.json", LocalFile(Path("/a/b.json"))),
        ("file:///a/b.json", LocalFile(Path("/a/b.json"))),
        ("https://a/b", WebAddress("https://a/b")),
        ("https+insecure://a/b", WebAddress("https://a/b", verify=False)),
    ],
)
def test_where_a_kickstart_is(text, address):
    assert parse_address(text) == address


def test_http_needs_permission():
    with pytest.raises(PlanError) as caught:
        parse_address("http://a/b")
    assert "anybody on the way can change" in str(caught.value.problems[0])
    assert parse_address("http://a/b", insecure=True) == WebAddress("http://a/b")


def test_other_schemes_are_refused():
    with pytest.raises(PlanError) as caught:
        parse_address("ftp://a/b")
    assert "do not come over ftp://" in str(caught.value.problems[0])


def test_addresses_are_shown_without_passwords():
    assert str(WebAddress("https://user:secret@a/b")) == "https://a/b"


def test_a_file_is_read(tmp_path):
    path = tmp_path / "ks"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert fetch(LocalFile(path)) == TEXT


def test_a_page_is_fetched_with_visible_attempts(serve):
    events: list = []
    server = serve(200)
    assert fetch(WebAddress(server.url), events) == TEXT
    assert [event.text for event in events] == [f"Fetching {server.url} (attempt 1 of 5)"]


def test_passing_trouble_is_tried_again_with_growing_waits(serve):
    events: list = []
    waits: list = []
    assert fetch(WebAddress(serve(503, 500, 200).url), events, waits) == TEXT
    assert waits == [1.0, 2.0]
    assert [event.level for event in events] == ["info", "warning", "info", "warning", "info"]
    assert "503" in events[1].text
    assert "Trying again in 1 s" in events[1].text


def network_error(address: WebAddress) -> tuple[str, int]:
    waits: list = []
    with pytest.raises(NetworkError) as caught:
        fetch(address, waits=waits)
    return caught.value.message, len(waits) + 1


def test_a_server_that_is_down_is_a_network_failure_after_all_attempts(serve):
    server = serve(200)
    server.shutdown()
    server.server_close()
    message, attempts = network_error(WebAddress(server.url))
    assert message.startswith("The network does not reach 127.0.0.1:")
    assert "the connection is refused" in message
    assert attempts == ATTEMPTS


def test_a_name_nobody_knows_is_a_network_failure():
    message, _ = network_error(WebAddress("http://no-such-host.invalid/ks"))
    assert message.startswith("The network does not reach no-such-host.invalid")


def test_a_missing_file_is_said_at_once(serve):
    server = serve(404)
    message, attempts = network_error(WebAddress(server.url))
    assert message == f"There is no {server.url} on the server (404)."
    assert attempts == 1


def test_a_refusal_is_said_at_once(serve):
    message, attempts = network_error(WebAddress(serve(403).url))
    assert "403 Forbidden" in message
    assert attempts == 1


@pytest.fixture
def tls_server(serve, tmp_path) -> Server:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    server = serve(200)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


def test_a_certificate_that_is_not_trusted_is_said_at_once(tls_server):
    url = tls_server.url.replace("http:", "https:")
    message, attempts = network_error(WebAddress(url))
    assert message.startswith("The certificate of 127.0.0.1:")
    assert attempts == 1


@pytest.mark.filterwarnings("error")
def test_any_certificate_is_good_when_that_was_asked_for(tls_server):
    url = tls_server.url.replace("http:", "https:")
    assert fetch(WebAddress(url, verify=False)) == TEXT


def test_https_that_leads_to_http_is_refused(tls_server, serve):
    tls_server.statuses, tls_server.location = [302], serve(200).url
    url = tls_server.url.replace("http:", "https:")
    message, _ = network_error(WebAddress(url, verify=False))
    assert "leads to http://" in message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html>log in</html>", "a web page"),
        (b"\n<html>", "a web page"),
        (b"hostname: \xff", "not UTF-8 text (byte 11)"),
        (b"x" * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_kickstart_is_a_bad_file(serve, tmp_path, body, words):
    path = tmp_path / "ks"
    path.write_bytes(body)
    for address in (LocalFile(path), WebAddress(serve(200, body=body).url)):
        with pytest.raises(PlanError) as caught:
            fetch(address)
        assert words in str(caught.value.problems[0])


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    for path, reason in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(PlanError) as caught:
            fetch(LocalFile(path))
        assert reason in str(caught.value.problems[0])


def test_waiting_ends_when_the_user_cancels(serve):
    token = CancelToken()
    events: list = []

    def record(event) -> None:
        events.append(event)
        if event.level == "warning":
            token.cancel()

    with pytest.raises(Cancelled):
        fetch_text(WebAddress(serve(503).url), record, token)
    assert len(events) == 2
