"""A FleetLock server for a test, with airlock's semantics: a counting semaphore for each group,
recursive, its slots bound to those who took them. Here a group has one slot."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class LockServer:
    """holders: by group. requests: (path, id) of all that were understood."""

    groups: tuple[str, ...]
    url: str = ""
    slots: int = 1
    holders: dict[str, set[str]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, path: str, marked: bool, body: bytes) -> tuple[int, dict[str, str] | None]:
        """(status, error) for a POST."""
        if path not in ("/v1/pre-reboot", "/v1/steady-state"):
            return 404, None
        try:
            client = json.loads(body)["client_params"]
            name, group = client["id"], client["group"]
        except (ValueError, KeyError, TypeError):
            name = group = ""
        if not (marked and name and group):
            return 400, {"kind": "invalid_client_identity", "value": "failed to validate"}
        self.requests.append((path, name))
        if group not in self.groups:
            return 400, {"kind": "unknown_group", "value": f'unknown group "{group}"'}
        held = self.holders.setdefault(group, set())
        if path == "/v1/steady-state":
            held.discard(name)
        elif name not in held and len(held) >= self.slots:
            full = f"all {self.slots} semaphore slots currently locked"
            return 409, {"kind": "failed_lock", "value": full}
        else:
            held.add(name)
        return 200, None


@contextmanager
def lock_server(*groups: str, address: str = "127.0.0.1") -> Iterator[LockServer]:
    """A server on a free port until the block ends; url has no slash at its end."""
    server = LockServer(groups or ("default",))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            marked = self.headers.get("fleet-lock-protocol") == "true"
            status, error = server.answer(self.path, marked, body)
            content = json.dumps(error).encode() if error is not None else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing on the test's output."""

    with http.server.ThreadingHTTPServer((address, 0), Handler) as listener:
        server.url = f"http://{address}:{listener.server_port}"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
