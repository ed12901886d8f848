"""A real web server for a test: nginx on a free port of 127.0.0.1, gone when the block ends."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CONFIGURATION = """
daemon off; user root; pid {work}/pid; error_log {work}/error.log;
events {{}}
http {{
  types {{}}
  default_type application/octet-stream;
  log_format short "$request_method $request_uri $status $body_bytes_sent $http_range";
  access_log {work}/access.log short;
  client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3;
  uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  server {{
    listen 127.0.0.1:{port}{ssl};
    root {root};
    {directives}
  }}
}}
"""


@dataclass(frozen=True)
class Request:
    """range: of the request's Range header ("bytes=100-"), "" without one. size: of the answer's
    body in bytes."""

    method: str
    path: str
    status: int
    range: str
    size: int


@dataclass(frozen=True)
class WebServer:
    """port: on 127.0.0.1. url: of the folder that is served, ends with "/"."""

    url: str
    port: int
    _log: Path

    def requests(self) -> list[Request]:
        """What was asked for. Complete once the server has stopped."""
        if not self._log.exists():
            return []
        found = []
        for line in self._log.read_text().splitlines():
            method, path, status, size, *rest = line.split(" ")
            span = "" if rest[0] == "-" else rest[0]
            found.append(Request(method, path, int(status), span, int(size)))
        return found


@contextmanager
def nginx(
    root: Path,
    work: Path,
    *,
    directives: str = "",
    certificate: Path | None = None,
    key: Path | None = None,
) -> Iterator[WebServer]:
    """Serve root. work: an empty folder for nginx's own files. directives: for the server block
    ("limit_rate 100k;"). certificate and key: speak https.

    The socket listens before nginx starts and is handed over, so nobody has to wait for it.
    """
    work.mkdir(parents=True, exist_ok=True)
    if certificate is not None:
        directives += f" ssl_certificate {certificate}; ssl_certificate_key {key};"
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        port = listening.getsockname()[1]
        configuration = work / "nginx.conf"
        ssl = " ssl" if certificate is not None else ""
        configuration.write_text(
            _CONFIGURATION.format(work=work, root=root, port=port, directives=directives, ssl=ssl)
        )
        process = subprocess.Popen(
            ["nginx", "-e", f"{work}/error.log", "-p", str(work), "-c", str(configuration)],
            env={"PATH": "/usr/sbin:/usr/bin", "NGINX": f"{listening.fileno()};"},
            pass_fds=[listening.fileno()],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    scheme = "https" if certificate is not None else "http"
    try:
        yield WebServer(f"{scheme}://127.0.0.1:{port}/", port, work / "access.log")
    finally:
        process.send_signal(signal.SIGQUIT)  # after what is being answered, so the log is whole
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def closed_port() -> int:
    """A port of 127.0.0.1 where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def self_signed(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) for 127.0.0.1, signed by nobody else."""
    certificate, key = folder / "server.crt", folder / "server.key"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return certificate, key
