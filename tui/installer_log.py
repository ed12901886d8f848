"""`photree-installer log`, `--log-console` and `--attach` without a terminal for menus: as text."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

from engine.cancel import CancelToken, cancelled_by_signals
from engine.events import JobFinished
from installer.log import follow
from tui.console import EXIT_CANCELLED, EXIT_FAILURE, PlainConsole


def show_log(path: Path, *, forever: bool) -> int:
    """Print a log as plain text while it grows, until its installation ends, or for ever (then the
    next one's, too). Returns 0, 1 when the installation failed, 130 when it was left.

    Raises PhotreeError.
    """
    stop = CancelToken()
    show = PlainConsole(sys.stdout, verbose=True)
    with cancelled_by_signals(stop, (signal.SIGINT, signal.SIGTERM)):
        if not forever and not path.exists():
            sys.stdout.write(f"There is no log {path} yet.\n")
        for event in follow(path, lambda: stop.cancelled):
            show(event)
            if isinstance(event, JobFinished):
                sys.stdout.write(f"{event.message}\n")
                sys.stdout.flush()
                if not forever:
                    return 0 if event.ok else EXIT_FAILURE
    return EXIT_CANCELLED


def attach(begin_wizard: Callable[[], int]) -> int:
    """Show the running installation: on a terminal by its screen, else as text. The exit code is
    that of the installation. Raises PhotreeError."""
    from installer.installations import JobInstallations  # noqa: PLC0415 - needed here only

    installations = JobInstallations()
    attempt = installations.running()
    if attempt is not None and sys.stdin.isatty() and sys.stdout.isatty():
        return begin_wizard()
    if attempt is None:
        sys.stdout.write("No installation is running.\n")
        attempt = installations.last()
        if attempt is None:
            return 0
    stop = CancelToken()
    with cancelled_by_signals(stop, (signal.SIGINT, signal.SIGTERM)):
        outcome = attempt.follow(PlainConsole(sys.stdout), lambda: stop.cancelled)
    if outcome is None:
        sys.stderr.write("\nThe installation goes on.\n")
        return EXIT_CANCELLED
    sys.stdout.write(f"{outcome.get().message}\n")
    return 0
