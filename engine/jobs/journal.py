"""The journal's native protocol, for messages of one line."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
INFO, ERROR = 6, 3


class Journal:
    """Logs under the name photree; where there is no journal, nowhere."""

    def __init__(self, path: Path = SOCKET) -> None:
        self._path = path

    def log(self, message: str, priority: int = INFO) -> None:
        fields = {
            "MESSAGE": " ".join(message.splitlines()),
            "PRIORITY": str(priority),
            "SYSLOG_IDENTIFIER": "photree",
        }
        data = "".join(f"{name}={value}\n" for name, value in fields.items())
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
        ):
            sender.sendto(data.encode(errors="replace"), str(self._path))
