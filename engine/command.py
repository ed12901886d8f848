"""The only door to other programs.

Programs get an argument list (never a shell line), a small fixed environment, no standard input,
and a process group of their own, which is killed and reaped when the caller is cancelled. Their
output becomes LogLine events, with secrets removed.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.cancel import CancelToken
from engine.errors import Cancelled, CommandError
from engine.events import Emit, LogLine, discard

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    "TERM": "dumb",
}
_TAIL_LINES = 20
_GRACE_SECONDS = 5.0
_TURN_SECONDS = 0.2


@dataclass(frozen=True)
class Output:
    """What a program that ended well wrote, decoded as UTF-8."""

    stdout: str
    stderr: str
    returncode: int = 0


class Commands(Protocol):
    """Runs programs. The real one is `SystemCommands`; dry runs and tests bring their own."""

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        secrets: Sequence[str] = (),
        timeout: float | None = None,
        accept: Sequence[int] = (0,),
        quiet: bool = False,
        watch: Callable[[], None] | None = None,
    ) -> Output:
        """Run to the end.

        input: text for standard input (secrets go here, never into argv).
        env: added to the fixed environment. secrets: strings to redact from logs and errors.
        accept: exit codes that are no error. quiet: do not log the output (large or binary).
        watch: called several times a second meanwhile; what it raises ends the program.
        Raises CommandError (missing program, exit code, time over) and Cancelled.
        """
        ...


class SystemCommands:
    """Runs real programs; cancels them with the token; logs their output to emit."""

    def __init__(self, emit: Emit = discard, cancel: CancelToken | None = None) -> None:
        self._emit = emit
        self._cancel = cancel or CancelToken()

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        secrets: Sequence[str] = (),
        timeout: float | None = None,
        accept: Sequence[int] = (0,),
        quiet: bool = False,
        watch: Callable[[], None] | None = None,
    ) -> Output:
        self._cancel.check()
        shown = redact(shlex.join(argv), secrets)
        self._emit(LogLine(f"$ {shown}", level="debug"))
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**ENVIRONMENT, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(
                f"{argv[0]} could not be started: {error.strerror}.",
                hint=f"Install the package that has {Path(argv[0]).name}.",
            ) from error
        data = input.encode() if isinstance(input, str) else input
        log = discard if quiet else self._emit
        try:
            with self._cancel.calling(lambda: _signal_group(process, signal.SIGTERM)):
                stdout, stderr = _Conversation(process, data or b"", log, secrets).run(
                    timeout, self._cancel, watch
                )
        finally:
            _reap(process)
        self._cancel.check()
        output = Output(
            stdout.decode(errors="replace"), stderr.decode(errors="replace"), process.returncode
        )
        if output.returncode not in accept:
            raise _failure(shown, output, secrets)
        return output


def run_on_terminal(argv: Sequence[str]) -> int:
    """Run a program of the user's choice on the user's terminal and in the user's environment, an
    editor for instance; its exit code. Raises CommandError when it cannot be started."""
    try:
        return subprocess.call(list(argv))
    except OSError as error:
        raise CommandError(
            f"{argv[0]} could not be started: {error.strerror}.",
            hint=f"Install the package that has {Path(argv[0]).name}.",
        ) from error


def redact(text: str, secrets: Sequence[str]) -> str:
    """text with every secret replaced by ***."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text


def _failure(shown: str, output: Output, secrets: Sequence[str]) -> CommandError:
    text = redact((output.stderr.strip() or output.stdout.strip()), secrets)
    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "no output"
    program = shown.split(" ", 1)[0]
    how = (
        f"was killed by signal {-output.returncode}"
        if output.returncode < 0
        else f"failed with exit code {output.returncode}"
    )
    detail = "\n".join([f"$ {shown}", *lines[-_TAIL_LINES:]])
    return CommandError(f"{program} {how}: {last}", detail=detail)


class _Conversation:
    """Feeds a program and reads both its outputs, without a deadlock and without busy waiting."""

    def __init__(
        self, process: subprocess.Popen[bytes], data: bytes, log: Emit, secrets: Sequence[str]
    ) -> None:
        self._process = process
        self._data = data
        self._log = log
        self._secrets = secrets
        self._selector = selectors.DefaultSelector()
        self._outputs: dict[int, bytearray] = {}
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                self._outputs[stream.fileno()] = bytearray()
                self._selector.register(stream, selectors.EVENT_READ)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._selector.register(process.stdin, selectors.EVENT_WRITE)

    def run(
        self, timeout: float | None, cancel: CancelToken, watch: Callable[[], None] | None
    ) -> tuple[bytes, bytes]:
        """Until the program ended; (stdout, stderr). Raises CommandError when time is over."""
        start = time.monotonic()
        cancelled_at: float | None = None
        with self._selector:
            while self._selector.get_map() or self._process.poll() is None:
                now = time.monotonic()
                if cancel.cancelled and cancelled_at is None:
                    cancelled_at = now
                if cancelled_at is not None and now > cancelled_at + _GRACE_SECONDS:
                    raise Cancelled()
                if timeout is not None and now > start + timeout:
                    raise CommandError(f"{self._name} did not end within {timeout:.0f} s.")
                if watch is not None:
                    watch()
                self._turn()
        stdout, stderr = self._outputs.values()
        return bytes(stdout), bytes(stderr)

    @property
    def _name(self) -> str:
        argv = self._process.args
        return str(argv[0]) if isinstance(argv, list) else str(argv)

    def _turn(self) -> None:
        if not self._selector.get_map():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_TURN_SECONDS)
            return
        for key, _events in self._selector.select(timeout=_TURN_SECONDS):
            if key.fd not in self._outputs:
                self._feed(key)
                continue
            chunk = os.read(key.fd, 65536)
            if chunk:
                self._collect(self._outputs[key.fd], chunk)
            else:
                self._selector.unregister(key.fileobj)

    def _feed(self, key: selectors.SelectorKey) -> None:
        """Write what the pipe takes; close it at the end, or when the program stopped reading."""
        try:
            self._data = self._data[os.write(key.fd, self._data[:65536]) :] if self._data else b""
        except BrokenPipeError:
            self._data = b""
        if not self._data and self._process.stdin is not None:
            self._selector.unregister(key.fileobj)
            self._process.stdin.close()

    def _collect(self, buffer: bytearray, chunk: bytes) -> None:
        """Append chunk and report the lines it completes."""
        start = buffer.rfind(b"\n") + 1
        buffer.extend(chunk)
        end = buffer.rfind(b"\n") + 1
        if end > start and self._log is not discard:
            for line in bytes(buffer[start:end]).decode(errors="replace").splitlines():
                if line.strip():
                    self._log(LogLine(redact(line.rstrip(), self._secrets), level="debug"))


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Leave no process of the group and no open pipe behind."""
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        try:
            process.wait(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_group(process, signal.SIGKILL)
            process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
