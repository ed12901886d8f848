"""GRUB's menu for a system root that is not the running one.

libostree's grub2 back end runs grub-mkconfig with `-o SYSROOT/boot/loader.N/grub.cfg`. On a booted
host that is the host's own program, with nothing of ours involved. For another system root it
would change into the deployment first, where that path does not exist; so installers name a
program in OSTREE_GRUB2_EXEC. Ours runs the same grub-mkconfig, the tree's, in the tree, with the
new /boot mounted: the first menu is made by what makes all later ones.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import OstreeError

_VARIABLE = "OSTREE_GRUB2_EXEC"
_PROGRAMS = tuple(
    f"usr/{folder}/{name}"
    for name in ("grub2-mkconfig", "grub-mkconfig")
    for folder in ("sbin", "bin")
)
_FOLDERS = ("grub", "grub2")  # where libostree looks for grub.cfg below /boot
_SCRIPT = """#!/bin/sh
# libostree runs: THIS -o SYSROOT/boot/loader.N/grub.cfg
exec >{log} 2>&1
loader=${{2%/*}}
exec unshare --mount --propagation private /bin/sh -euc '
  mount --bind "$1" "$1"
  cd "$1"
  mount --bind "$2/boot" boot
  for folder in dev proc sys run; do
    if [ -d "$folder" ]; then mount --rbind "/$folder" "$folder"; fi
  done
  if [ -d sysroot ]; then mount --bind "$2" sysroot; fi
  exec chroot . "/$3" -o "/boot/$4/grub.cfg"
' sh {root} {sysroot} {program} "${{loader##*/}}"
"""


def uses_grub(sysroot: Path) -> bool:
    """Whether libostree will write GRUB's menu for this system root."""
    boot = sysroot / "boot"
    return any((boot / folder / "grub.cfg").exists() for folder in _FOLDERS)


@contextmanager
def grub_menu_of_tree(sysroot: Path, root: Path) -> Iterator[None]:
    """While the block runs, libostree in this process makes menus with the program of the
    deployment at root. Raises OstreeError when the tree has none, or with its output when it fails.
    """
    program = next((name for name in _PROGRAMS if (root / name).exists()), None)
    if program is None:
        raise OstreeError(
            "The tree has no grub-mkconfig, so there would be no boot menu.",
            "Add the package of GRUB's programs to the tree.",
        )
    place = sysroot / "ostree/repo/tmp"
    with _nameless("", place) as log:
        words = {"log": log, "root": root, "sysroot": sysroot, "program": program}
        quoted = {name: shlex.quote(str(word)) for name, word in words.items()}
        with _nameless(_SCRIPT.format(**quoted), place) as script, _variable(str(script)):
            try:
                yield
            except OstreeError as error:
                if str(script) in error.detail:
                    raise _failure(log.read_text(errors="replace"), program) from error
                raise


@contextmanager
def _nameless(text: str, folder: Path) -> Iterator[Path]:
    """A program with this text, on folder's file system, of which nothing stays when we are killed.

    It is found by our descriptor, which only reads: what is open for writing cannot be run.
    """
    import tempfile  # noqa: PLC0415 - `photree status` loads this module, and does not need it

    with tempfile.TemporaryFile("w", dir=folder) as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), 0o700)
        reading = os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/{os.getpid()}/fd/{reading}")
    finally:
        os.close(reading)


@contextmanager
def _variable(value: str) -> Iterator[None]:
    former = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = value
    try:
        yield
    finally:
        if former is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = former


def _failure(output: str, program: str) -> OstreeError:
    lines = [line for line in output.splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "it said nothing"
    return OstreeError(
        f"The tree's /{program} could not make the boot menu: {last}.",
        "Check the GRUB packages of the tree.",
        output,
    )
