"""Programs of the tree that is being made, run on it without reaching the machine.

The overlay is mounted in a mount namespace that only these programs have: whatever happens to
them or to us, no mount is left behind.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.command import Commands, Output
from engine.errors import CommandError
from engine.overlay import OverlayTree
from engine.packages.placement import BOOT, LINKED, OPT

# what package scripts may need; notably no module loading, mounting, devices, network set-up
_CAPABILITIES = (
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setfcap",
    "cap_setgid",
    "cap_setpcap",
    "cap_setuid",
    "cap_sys_chroot",
)
_IMAGE_CAPABILITIES = ("cap_mknod",)  # an initramfs has device nodes
_SYS = ("block", "bus", "class", "dev", "devices")
_MOUNT_AND_RUN = 'mount -t overlay -o "$1" overlay "$2"; shift 2; exec "$@"'
_TOP_LEVEL_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_EMPTY = ("/run", "/tmp", "/var/tmp")  # noqa: S108 - inside of the sandbox
_SHOWN_LINES = 20
# engine.opened is found wherever the project lies; programs in the sandbox have no such folder
_PYTHON = {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
SHARED = Path("/run/photree")


@dataclass(frozen=True)
class Sandbox:
    """Runs programs with the tree as their root: /usr, /etc, /boot and /opt are the tree's and
    writable; /var is a scratch directory that lasts for one compose; /run, /tmp and /var/tmp
    are empty; the network is off; the machine's files are not there.

    mount_point, var: existing directories outside of the tree. source_date_epoch: what programs
    that know about it take for the time.
    """

    tree: OverlayTree
    mount_point: Path
    var: Path
    commands: Commands
    source_date_epoch: int

    def run(
        self,
        argv: Sequence[str],
        *,
        shared: Path | None = None,
        isolated: bool = False,
        etc: Path | None = None,
        record: Path | None = None,
        timeout: float | None = None,
        accept: Sequence[int] = (0,),
        watch: Callable[[], None] | None = None,
    ) -> Output:
        """Run argv to its end. shared: a directory it finds as /run/photree.

        isolated: nothing but the tree is there: /var is empty, the machine's /sys missing.
        etc: what it finds as /etc instead of the tree's, not writable.
        record: a file for the list of what was opened (`engine.opened`). watch: see `Commands.run`.
        Raises CommandError as `Commands.run` does, but naming argv, and Cancelled.
        """
        output = self.commands.run(
            [
                "unshare",
                "--mount",
                "--propagation=private",
                "--",
                "/bin/sh",
                "-euc",
                _MOUNT_AND_RUN,
                "sandbox",
                self.tree.mount_options,
                str(self.mount_point),
                *self._recorder(record),
                "bwrap",
                *self._arguments(shared, isolated, etc),
                "--",
                *argv,
            ],
            env={"SOURCE_DATE_EPOCH": str(self.source_date_epoch), **_PYTHON},
            timeout=timeout,
            accept=range(256),
            watch=watch,
        )
        if output.returncode not in accept:
            text = output.stderr.strip() or output.stdout.strip() or "no output"
            lines = text.splitlines()
            raise CommandError(
                f"{argv[0]} failed in the tree with exit code {output.returncode}: {lines[-1]}",
                detail="\n".join(lines[-_SHOWN_LINES:]),
            )
        return output

    def _recorder(self, record: Path | None) -> list[str]:
        if record is None:
            return []
        watched = str(self.mount_point)
        return [sys.executable, "-P", "-m", "engine.opened", watched, str(record), "--"]

    def _arguments(self, shared: Path | None, isolated: bool, etc: Path | None) -> list[str]:
        """bwrap's arguments: namespaces, capabilities, the file system."""
        added = _IMAGE_CAPABILITIES if isolated else ()
        return [
            *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
            *("--die-with-parent", "--cap-drop", "ALL"),
            *(word for name in (*_CAPABILITIES, *added) for word in ("--cap-add", name)),
            *self._tree_arguments(etc),
            *self._machine_arguments(isolated),
            *(word for name in _EMPTY for word in ("--tmpfs", name)),
            *(("--bind", str(shared), str(SHARED)) if shared is not None else ()),
            *("--chdir", "/"),
        ]

    def _tree_arguments(self, etc: Path | None) -> list[str]:
        """What comes from the tree."""
        places = [("/usr", "usr"), ("/boot", BOOT)]
        if etc is None:
            places.append(("/etc", "usr/etc"))
        if self.tree.is_directory(OPT):
            places.append(("/opt", OPT))
        arguments = []
        for inside, path in places:
            arguments += ["--bind", str(self.mount_point / path), inside]
        if etc is not None:
            arguments += ["--ro-bind", str(etc), "/etc"]
        for name in _TOP_LEVEL_LINKS:
            found = self.tree.find(name)
            if found is not None and found.is_symlink():
                arguments += ["--symlink", str(found.readlink()), f"/{name}"]
        return arguments

    def _machine_arguments(self, isolated: bool) -> list[str]:
        """What a machine would have around the tree."""
        arguments = ["--proc", "/proc", "--dev", "/dev"]
        if isolated:
            arguments += ["--tmpfs", "/var"]
            for target in LINKED.values():
                arguments += ["--perms", "0755", "--dir", f"/{target}"]
        else:
            arguments += ["--bind", str(self.var), "/var"]
            for name in _SYS:
                arguments += ["--ro-bind-try", f"/sys/{name}", f"/sys/{name}"]
        for name, target in LINKED.items():
            if "/" not in name and name != "opt":
                arguments += ["--symlink", target, f"/{name}"]
        return arguments
