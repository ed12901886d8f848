"""Programs of the tree that is being made, run on it without reaching the machine.

The overlay is mounted in a mount namespace that only these programs have: whatever happens to
them or to us, no mount is left behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.command import Commands, Output
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
_SYS = ("block", "bus", "class", "dev", "devices")
_MOUNT_AND_RUN = 'mount -t overlay -o "$1" overlay "$2"; shift 2; exec bwrap "$@"'
_TOP_LEVEL_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
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
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        accept: Sequence[int] = (0,),
    ) -> Output:
        """Run argv to its end. shared: a directory it finds as /run/photree.

        Raises CommandError as `Commands.run` does, and Cancelled.
        """
        return self.commands.run(
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
                *self._arguments(shared),
                "--",
                *argv,
            ],
            env={"SOURCE_DATE_EPOCH": str(self.source_date_epoch), **(env or {})},
            timeout=timeout,
            accept=accept,
        )

    def _arguments(self, shared: Path | None) -> list[str]:
        """bwrap's arguments: namespaces, capabilities, the file system."""
        arguments = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
        arguments += ["--die-with-parent", "--cap-drop", "ALL"]
        for capability in _CAPABILITIES:
            arguments += ["--cap-add", capability]
        for inside, outside in (
            ("/usr", self.mount_point / "usr"),
            ("/etc", self.mount_point / "usr/etc"),
            ("/boot", self.mount_point / BOOT),
            ("/var", self.var),
        ):
            arguments += ["--bind", str(outside), inside]
        if self.tree.is_directory(OPT):
            arguments += ["--bind", str(self.mount_point / OPT), "/opt"]
        for name in _TOP_LEVEL_LINKS:
            found = self.tree.find(name)
            if found is not None and found.is_symlink():
                arguments += ["--symlink", str(found.readlink()), f"/{name}"]
        for name, target in LINKED.items():
            if "/" not in name and name != "opt":
                arguments += ["--symlink", target, f"/{name}"]
        arguments += ["--proc", "/proc", "--dev", "/dev"]
        for name in _SYS:
            arguments += ["--ro-bind-try", f"/sys/{name}", f"/sys/{name}"]
        for name in ("/run", "/tmp", "/var/tmp"):  # noqa: S108 - inside of the sandbox
            arguments += ["--tmpfs", name]
        if shared is not None:
            arguments += ["--bind", str(shared), str(SHARED)]
        return [*arguments, "--chdir", "/"]
