"""Starts the wizard on this terminal. Nothing heavy is loaded before its first frame."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import PhotreeError
from installer.draft import Draft, Section
from installer.workspace import JOBS
from tui.terminal import prepare

if TYPE_CHECKING:
    from textual.driver import Driver

    from installer.installations import Attempt
    from installer.interview import Session


def run_wizard(options: argparse.Namespace, arch: str, *, root: bool) -> int:
    """Ask, and install; the exit code. options: as of `tui.installer_cli`. Raises PhotreeError."""
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    terminal = prepare(os.environ, interactive=interactive)
    if not root and not options.dry_run:
        raise PhotreeError("Installing needs root.", "`--dry-run` does not.")
    session = _session(options, arch)
    attempt = None if options.dry_run else running_installation()
    from tui.wizard.app import WizardApp  # noqa: PLC0415 - Textual reads what `prepare` has set

    driver: type[Driver] | None = None
    if terminal.plain:
        from tui.driver import PlainDriver  # noqa: PLC0415

        driver = PlainDriver
    code = WizardApp(session, driver, attempt).run(mouse=False)
    if not options.dry_run and running_installation() is not None:
        sys.stdout.write("The installation goes on; `photree-installer --attach` shows it.\n")
    return 130 if code is None else code


def running_installation() -> Attempt | None:
    """Looks before it loads what knows of jobs: most often there is none. Raises PhotreeError."""
    if not JOBS.is_dir():
        return None
    from installer.installations import JobInstallations  # noqa: PLC0415 - loads jobs

    return JobInstallations().running()


def _session(options: argparse.Namespace, arch: str) -> Session:
    from installer.interview import Session  # noqa: PLC0415
    from installer.licence import licence_text  # noqa: PLC0415

    commands = SystemCommands()
    if options.dry_run:
        from installer.dry_inquiries import DryInquiries  # noqa: PLC0415
        from installer.inquiries import MachineInquiries  # noqa: PLC0415
        from installer.probe import read_recording  # noqa: PLC0415

        machine = read_recording(options.machine) if options.machine else None
        inquiries: MachineInquiries = DryInquiries(commands, machine)
    else:
        from installer.inquiries import MachineInquiries  # noqa: PLC0415

        inquiries = MachineInquiries(commands)
    draft = _draft(options)
    given = bool(options.kickstart)
    return Session(
        inquiries,
        arch,
        options.media,
        licence_text(options.licence, options.media),
        draft,
        tuple(draft.open_sections()) if given else tuple(Section),
        dry=options.dry_run,
    )


def _draft(options: argparse.Namespace) -> Draft:
    source = options.kickstart or options.answers
    if not source:
        return Draft()
    from installer.answers import read_answers  # noqa: PLC0415 - needed here only

    return read_answers(source, CancelToken(), insecure=options.insecure)
