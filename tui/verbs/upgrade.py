"""Deploy the newest commit of the ref that this machine follows.

The new tree is pulled and put beside the running one; it starts at the next reboot. /etc is merged,
/var stays, layered packages are applied again. Nothing happens when nothing is new.

  photree upgrade --check      # is there something newer?
  photree upgrade --preview    # what exactly would change?
  photree upgrade --reboot

An interrupted upgrade changes nothing; the next one goes on where it ended. A version that failed
its health checks on this machine before is taken, with a warning. http_proxy, https_proxy and
no_proxy are used.

Exit codes: 0 done, 1 failed, 77 nothing new (with --check, --preview and --unchanged-exit-77).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import PhotreeError
from engine.transactions.transaction import Result
from tui.console import human_bytes
from tui.jobs import EXIT_UNCHANGED, follow_job, run_job
from tui.options import add_change_options, add_unchanged, host_values

_WIDTH = len("EtcConflicts")
_NO_UPDATES = "No updates available."
_SHOWN_CONFLICTS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="only look for a newer commit")
    parser.add_argument(
        "--preview", "--check-diff", action="store_true", help="only show what would change"
    )
    parser.add_argument(
        "--allow-downgrade", action="store_true", help="also to a commit that is older"
    )
    add_change_options(parser, lock=True)
    add_unchanged(parser)


def run(options: argparse.Namespace) -> int:
    values = {**host_values(options), "allow_downgrade": options.allow_downgrade}
    if not (options.check or options.preview):
        from engine.transactions.upgrade import Upgrade  # noqa: PLC0415 - loads libostree

        return run_job(options, Upgrade(**values, lock_finalization=options.lock_finalization))
    if options.reboot:
        raise PhotreeError("--check and --preview change nothing.", "Leave --reboot out.")
    from engine.transactions.preview import PreviewUpgrade  # noqa: PLC0415

    result = follow_job(options, PreviewUpgrade(**values, thorough=options.preview))
    _show(options, result)
    return 0 if result.changed else EXIT_UNCHANGED


def _show(options: argparse.Namespace, result: Result) -> None:
    if options.json:
        sys.stdout.write(json.dumps({"available-update": dict(result.details) or None}) + "\n")
    elif not result.changed:
        sys.stdout.write(f"{_NO_UPDATES}\n")
    else:
        lines = preview_lines(result.details, thorough=options.preview)
        sys.stdout.write("".join(f"{line}\n" for line in lines))


def preview_lines(details: Mapping[str, Any], *, thorough: bool) -> Iterator[str]:
    """The text of `rpm-ostree upgrade --preview`, with what is ours at its end."""
    yield "AvailableUpdate:"
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(details["timestamp"]))
    version = details["version"]
    yield _row("Version", f"{version} ({when})") if version else _row("Timestamp", when)
    yield _row("Commit", details["checksum"])
    if details["kernel"]:
        yield _row("Kernel", " -> ".join(name or "none" for name in details["kernel"]))
    if details["download"] is not None:
        yield _row("Download", f"at most {human_bytes(details['download'])}")
    packages = details["packages"]
    if packages is not None:
        yield from _package_rows(packages, thorough)
    conflicts = [f"/etc/{conflict['path']}" for conflict in details["etc-conflicts"]]
    for number, path in enumerate(conflicts[:_SHOWN_CONFLICTS]):
        yield _row("" if number else "EtcConflicts", f"{path} (the machine's own stays)")
    if len(conflicts) > _SHOWN_CONFLICTS:
        yield _row("", f"and {len(conflicts) - _SHOWN_CONFLICTS} more")


def _package_rows(packages: Mapping[str, Any], thorough: bool) -> Iterator[str]:
    counts = [f"{len(found)} {kind}" for kind, found in packages.items() if found]
    if counts and not thorough:
        yield _row("Diff", ", ".join(counts))
    if not thorough:
        return
    for kind in ("upgraded", "downgraded"):
        for number, (name, old, new) in enumerate(packages[kind]):
            yield _row("" if number else kind.capitalize(), f"{name} {old} -> {new}")
    for kind in ("removed", "added"):
        for number, nevra in enumerate(packages[kind]):
            yield _row("" if number else kind.capitalize(), nevra)


def _row(key: str, value: str) -> str:
    return f"  {key:>{_WIDTH}}{':' if key else ' '} {value}"
