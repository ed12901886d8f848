"""The `photree-installer` command: the wizard, installation from a kickstart, `check`, `log`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.command import SystemCommands
from tui.console import guarded

LOG = Path("/var/log/photree-installer.log")
EXIT_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, 1 failure or problems, 2 usage, 130 cancelled."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["check"]:
        options = _check_parser().parse_args(words[1:])
        return guarded(lambda: _check(options), json_output=options.json)
    if words == ["facts"]:
        return guarded(_facts)
    parser = _parser()
    if words[:1] == ["log"]:
        log = _log_parser().parse_args(words[1:])
        return guarded(lambda: _show_log(log.log, forever=False))
    options = parser.parse_args(words)
    if options.machine and not options.dry_run:
        parser.error("--machine is for --dry-run only")
    if options.interactive and not options.kickstart:
        parser.error("--interactive needs --kickstart (--answers FILE asks everything)")
    if options.answers and options.kickstart:
        parser.error("--answers is for the wizard: give --kickstart FILE --interactive")
    if options.json and not options.kickstart:
        parser.error("--json needs --kickstart")
    return guarded(lambda: _run(options), json_output=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="photree-installer",
        description="Install a Photon OSTree host: the wizard asks, or a kickstart says how.",
        epilog="`photree-installer check --help` explains the check of a kickstart alone. "
        "`photree-installer log` shows the log of the running or last installation. "
        "`photree-installer facts` prints what a dry run elsewhere takes by --machine.",
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.add_argument("--kickstart", metavar="FILE|URL", help="what to install, and where")
    parser.add_argument(
        "--interactive",
        action="store_true",
        help="ask what the kickstart leaves open or has wrong, then show the review",
    )
    parser.add_argument(
        "--answers", metavar="FILE|URL", help="a kickstart that fills in the wizard's pages"
    )
    parser.add_argument(
        "--attach", action="store_true", help="show the installation that is running"
    )
    parser.add_argument(
        "--log-console",
        action="store_true",
        help="show the log of this and all later installations, for a second console",
    )
    parser.add_argument(
        "--licence", metavar="FILE", type=Path, help="the text that the wizard shows to accept"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the plan and every action; needs no root"
    )
    parser.add_argument(
        "--machine", metavar="FILE", type=Path, help="dry run for the machine of these facts"
    )
    parser.add_argument(
        "--yes", action="store_true", help="do not ask on a terminal before a disk is wiped"
    )
    parser.add_argument(
        "--log", metavar="FILE", type=Path, default=LOG, help=f"where the log goes ({LOG})"
    )
    parser.add_argument("--verbose", "-v", action="store_true", help="show all commands")
    _add_common(parser)
    return parser


def _log_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="photree-installer log",
        description="Follow the log of the running or last installation, as plain text.",
    )
    parser.add_argument(
        "--log", metavar="FILE", type=Path, default=LOG, help=f"where the log is ({LOG})"
    )
    return parser


def _check_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="photree-installer check",
        description="Check a kickstart: every mistake with its line and column; writes nothing.",
    )
    parser.add_argument("kickstart", metavar="FILE|URL")
    parser.add_argument(
        "--online", action="store_true", help="also try the repository and look for the ref"
    )
    _add_common(parser)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--media", metavar="DIR", type=Path, help="where the medium is mounted")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--insecure-installation",
        dest="insecure",
        action="store_true",
        help="allow a kickstart over http://",
    )


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - costs 20 ms, needed here only

    return f"photree {version('photree')}"


def _check(options: argparse.Namespace) -> int:
    from tui.installer_check import check_kickstart  # noqa: PLC0415 - pydantic, needed here only

    return check_kickstart(options, arch=platform.machine())


def _facts() -> int:
    from installer.probe import record_machine  # noqa: PLC0415 - needed here only

    sys.stdout.write(json.dumps(record_machine(SystemCommands()), indent=1) + "\n")
    return 0


def _show_log(path: Path, *, forever: bool) -> int:
    from tui.installer_log import show_log  # noqa: PLC0415 - needed here only

    return show_log(path, forever=forever)


def _run(options: argparse.Namespace) -> int:
    if options.log_console:
        return _show_log(options.log, forever=True)
    if options.attach:
        from tui.installer_log import attach  # noqa: PLC0415 - needed here only

        return attach(lambda: _wizard(options))
    if options.interactive or not options.kickstart:
        return _wizard(options)
    return _install(options)


def _wizard(options: argparse.Namespace) -> int:
    from tui.installer_wizard import run_wizard  # noqa: PLC0415 - needed here only

    return run_wizard(options, platform.machine(), root=os.geteuid() == 0)


def _install(options: argparse.Namespace) -> int:
    from tui.installer_run import dry_run, install  # noqa: PLC0415 - libostree, needed here only

    if options.dry_run:
        return dry_run(options, arch=platform.machine())
    root = os.geteuid() == 0
    return install(options, platform.machine(), root, lambda: _wizard(options))


if __name__ == "__main__":
    sys.exit(main())
