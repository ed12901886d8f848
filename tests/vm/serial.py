"""A serial line over a Unix socket: read all the time, written to a log, waited on by pattern."""

import contextlib
import re
import socket
import threading
import time
from pathlib import Path

# colours, cursor movements, character sets, OSC strings (systemd and bash send them), returns
_CONTROL = re.compile(
    rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\"
    rb"|\x1b[()][A-Z0-9]|\x1b[=>cM78]|\r"
)


def _split_unfinished(data: bytes) -> tuple[bytes, bytes]:
    """(what can be shown, the beginning of an escape sequence whose end was not read yet)."""
    escape = data.rfind(b"\x1b")
    unfinished = escape >= 0 and len(data) - escape <= 64 and not _CONTROL.match(data, escape)
    return (data[:escape], data[escape:]) if unfinished else (data, b"")


class SerialTimeoutError(AssertionError):
    """What was waited for did not come; the message carries the end of the log."""


class Serial:
    """The reader thread never stops: a guest blocks at its console when nobody reads."""

    def __init__(self, path: Path, log: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._log = log.open("wb")
        self._raw = b""
        self._text = ""
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                chunk = self._socket.recv(65536)
            except OSError:
                chunk = b""
            with self._changed:
                if not chunk:
                    self._closed = True
                    self._changed.notify_all()
                    return
                self._log.write(chunk)
                self._log.flush()
                whole, self._raw = _split_unfinished(self._raw + chunk)
                self._text += _CONTROL.sub(b"", whole).decode(errors="replace")
                self._changed.notify_all()

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode())

    def expect(self, *patterns: str, timeout: float = 300) -> tuple[int, re.Match[str], str]:
        """Wait until one pattern appears in what was not consumed yet.

        Returns (index of the pattern, its match, the text before it) and consumes both.
        """
        end = time.monotonic() + timeout
        compiled = [re.compile(pattern, re.MULTILINE) for pattern in patterns]
        with self._changed:
            while True:
                for index, pattern in enumerate(compiled):
                    match = pattern.search(self._text)
                    if match:
                        before = self._text[: match.start()]
                        self._text = self._text[match.end() :]
                        return index, match, before
                left = end - time.monotonic()
                if self._closed or left <= 0:
                    reason = "the line was closed" if self._closed else f"{timeout:.0f} s passed"
                    raise SerialTimeoutError(
                        f"{reason} while waiting for {patterns}; the end of {self._log.name}:\n"
                        f"{self._text[-2000:]}"
                    )
                self._changed.wait(left)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()
        self._log.close()
