"""Plain text and JSON renderers of the event stream, and the one place that shows errors."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from engine.errors import Cancelled, PhotreeError, PlanError
from engine.events import (
    Event,
    JobFinished,
    LogLine,
    Progress,
    StepFinished,
    StepStarted,
    to_json,
)

EXIT_FAILURE = 1
EXIT_CANCELLED = 130
_UNITS = ("B", "KB", "MB", "GB", "TB")


class PlainConsole:
    """A line a step, and on a terminal a progress line that is rewritten in place."""

    def __init__(self, stream: TextIO | None = None, verbose: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._verbose = verbose
        self._live = self._stream.isatty()
        self._width = 0
        self._shown = ""
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case StepStarted():
                place = f"[{event.index}/{event.count}] " if event.count else ""
                self._line(f"{place}{event.title}")
            case Progress():
                self._progress(event)
            case StepFinished():
                self._line(f"      done in {event.seconds:.1f} s")
            case LogLine():
                if event.level in ("warning", "error"):
                    self._line(f"{event.level}: {event.text}")
                elif self._verbose:
                    self._line(f"      {event.text}")
            case JobFinished():
                self._clear()

    def _progress(self, event: Progress) -> None:
        now = time.monotonic()
        if not self._live or (now - self._last < 0.1 and event.done != event.total):
            return
        self._last = now
        text = "      " + progress_text(event)
        if text == self._shown:  # serial lines are slow, and logs of them are read
            return
        self._shown = text
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)

    def _clear(self) -> None:
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0
            self._shown = ""

    def _line(self, text: str) -> None:
        self._clear()
        self._stream.write(text + "\n")
        self._stream.flush()


class JsonConsole:
    """One JSON object a line for programs that listen."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def __call__(self, event: Event) -> None:
        self._stream.write(to_json(event) + "\n")
        self._stream.flush()


def human_bytes(count: float) -> str:
    """Decimal units, as OSTree's own tools print them: 12.3 MB."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("unreachable")


def progress_text(event: Progress) -> str:
    """12.3 MB of 45.6 MB (27 %), 8.1 MB/s, 4 s left."""
    amount = human_bytes if event.unit == "bytes" else (lambda count: f"{count:.0f} {event.unit}")
    text = amount(event.done)
    if event.total:
        text += f" of {amount(event.total)} ({100 * event.done // event.total} %)"
    if event.rate:
        text += f", {amount(event.rate)}/s"
    if event.eta is not None:
        text += f", {event.eta:.0f} s left"
    return f"{text} {event.note}".rstrip()


def show_error(error: PhotreeError, stream: TextIO | None = None) -> None:
    """error: message, every problem, hint, in the form rpm-ostree users know."""
    out = stream or sys.stderr
    out.write(f"error: {error.message}\n")
    if isinstance(error, PlanError):
        for problem in error.problems:
            out.write(f"  {problem}\n")
    if error.hint:
        out.write(f"hint: {error.hint}\n")


def guarded(action: Callable[[], int], json_output: bool = False) -> int:
    """Run action; turn what it raises into a message and an exit code, never a traceback."""
    try:
        return action()
    except Cancelled as error:
        _report(error, json_output)
        return EXIT_CANCELLED
    except PhotreeError as error:
        _report(error, json_output)
        return EXIT_FAILURE
    except KeyboardInterrupt:
        _report(Cancelled(), json_output)
        return EXIT_CANCELLED
    except BrokenPipeError:
        return EXIT_FAILURE
    except Exception:
        path = _save_traceback(traceback.format_exc())
        _report(
            PhotreeError("This is a defect in photree.", hint=f"Please report it with {path}."),
            json_output,
        )
        return EXIT_FAILURE


def _report(error: PhotreeError, json_output: bool) -> None:
    if json_output:
        JsonConsole()(JobFinished(ok=False, message=error.message, hint=error.hint))
    show_error(error)


def _save_traceback(text: str) -> Path:
    folder = Path("/var/log") if Path("/var/log").is_dir() else Path("/tmp")  # noqa: S108
    path = folder / "photree-internal-error.log"
    try:
        path.write_text(text)
        path.chmod(0o600)
    except OSError:
        sys.stderr.write(text)
    return path
