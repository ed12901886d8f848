"""A QEMU guest with a serial console that a test logs in to."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.vm.serial import Serial

OVMF = Path("/usr/share/OVMF")


@dataclass(frozen=True)
class Result:
    """What a command in the guest printed (both outputs, as on a terminal) and its exit code."""

    code: int
    output: str

    @property
    def text(self) -> str:
        """The output of a command that must have succeeded."""
        assert self.code == 0, f"exit code {self.code}: {self.output}"
        return self.output.strip()


@dataclass(frozen=True)
class Hardware:
    """What the guest is made of. The defaults boot in 16-25 s under software emulation."""

    disk: Path
    firmware: str = "bios"  # bios | uefi
    memory_mb: int = 1024
    cpus: int = 2
    format: str = "raw"
    keep_changes: bool = False
    extra: tuple[str, ...] = ()


def acceleration() -> list[str]:
    """Software emulation, unless KVM is asked for: where these tests run its guests hang."""
    if os.environ.get("PHOTREE_KVM") == "1" and os.access("/dev/kvm", os.W_OK):
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "Nehalem"]


def qemu_arguments(hardware: Hardware, folder: Path, ssh_port: int) -> list[str]:
    """The command line, serial console and monitor excluded."""
    snapshot = "" if hardware.keep_changes else ",snapshot=on"
    drive = f"if=none,id=d0,format={hardware.format},cache=unsafe,file={hardware.disk}{snapshot}"
    arguments = [
        "qemu-system-x86_64", "-machine", "q35,hpet=off", *acceleration(),
        "-smp", str(hardware.cpus), "-m", str(hardware.memory_mb),
        "-display", "none", "-nodefaults", "-no-user-config",
        "-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{ssh_port}-:22",
        "-device", "virtio-net-pci,netdev=n0,romfile=",
        "-device", "virtio-rng-pci",
        "-drive", drive, "-device", "virtio-blk-pci,drive=d0,bootindex=1",
    ]  # fmt: skip
    if hardware.firmware == "uefi":
        variables = folder / "OVMF_VARS.fd"
        if not variables.exists():
            shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
        code = OVMF / "OVMF_CODE_4M.fd"
        arguments += ["-drive", f"if=pflash,format=raw,readonly=on,file={code}"]
        arguments += ["-drive", f"if=pflash,format=raw,file={variables}"]
    return [*arguments, *hardware.extra]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Machine:
    """A running guest; leaving the block powers it off hard. Console in folder/serial.log."""

    _numbers = itertools.count()

    def __init__(self, hardware: Hardware, folder: Path) -> None:
        self.hardware = hardware
        self.folder = folder
        self.ssh_port = free_port()
        number = next(self._numbers)
        self._serial_path = Path(f"/tmp/photree-{os.getpid()}-{number}.serial")
        self._monitor_path = Path(f"/tmp/photree-{os.getpid()}-{number}.qmp")
        self.log = folder / "serial.log"

    def __enter__(self) -> "Machine":
        self.folder.mkdir(parents=True, exist_ok=True)
        arguments = qemu_arguments(self.hardware, self.folder, self.ssh_port)
        arguments += ["-chardev", f"socket,id=s0,path={self._serial_path},server=on,wait=off"]
        arguments += ["-serial", "chardev:s0"]
        arguments += ["-qmp", f"unix:{self._monitor_path},server=on,wait=off"]
        with (self.folder / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._wait_for_socket()
            self.serial = Serial(self._serial_path, self.log)
        except BaseException:
            self._stop()
            raise
        return self

    def _wait_for_socket(self) -> None:
        end = time.monotonic() + 30
        while not self._serial_path.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError((self.folder / "qemu.log").read_text())
            time.sleep(0.02)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.serial.close()
        self._stop()

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for path in (self._serial_path, self._monitor_path):
            path.unlink(missing_ok=True)

    def wait_for_login_prompt(self, timeout: float = 400) -> None:
        self.serial.expect(r"^\S+ login: ", timeout=timeout)

    def login(self, user: str = "root", password: str = "photon", timeout: float = 400) -> None:
        """Log in at the serial console and make the shell quiet for `run`."""
        self.wait_for_login_prompt(timeout)
        self.serial.send(f"{user}\n")
        self.serial.expect("assword: ", timeout=60)
        self.serial.send(f"{password}\n")
        index, _, before = self.serial.expect(r"[#$] $", r"incorrect", timeout=120)
        assert index == 0, f"login as {user} was refused: {before}"
        self.serial.send("stty -echo cols 200; PS1=; PS2=; TERM=dumb; unset PROMPT_COMMAND\n")
        self.serial.send("bind 'set enable-bracketed-paste off' 2>/dev/null; echo @@ready@@\n")
        self.serial.expect(r"^@@ready@@\n", timeout=60)

    def run(self, command: str, timeout: float = 300) -> Result:
        """Run a shell command as the user logged in at the console."""
        self.serial.send(f"{{ {command}\n}} </dev/null; printf '@@code=%d@@\\n' $?\n")
        _, match, before = self.serial.expect(r"@@code=(\d+)@@\n", timeout=timeout)
        return Result(int(match[1]), before)

    def ssh(self, command: str, key: Path, user: str = "root", timeout: float = 120) -> Result:
        """Run a command over SSH with a private key, waiting for the server to be up."""
        end = time.monotonic() + timeout
        while True:
            done = subprocess.run(
                ["ssh", "-i", str(key), "-p", str(self.ssh_port),
                 "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                 "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ConnectTimeout=60",
                 "-o", "IdentitiesOnly=yes", f"{user}@127.0.0.1", command],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                timeout=timeout,
            )  # fmt: skip
            refused = done.returncode == 255 and "Connection" in done.stderr
            if not refused or time.monotonic() > end:
                return Result(done.returncode, done.stdout + done.stderr)
            time.sleep(0.5)

    def reboot(self) -> None:
        """Ask the guest to reboot; the caller logs in again."""
        self.serial.send("systemctl reboot\n")

    def wait_for_restart(self, timeout: float = 400) -> None:
        """Until the guest restarts by itself: the kernel says so whatever its log level is."""
        self.serial.expect(r"reboot: Restarting system", timeout=timeout)

    def cut_power(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def power_off(self, timeout: float = 200) -> None:
        """Shut down cleanly from inside and wait for the end of the virtual machine."""
        self.serial.send("systemctl poweroff\n")
        self._process.wait(timeout)

    def monitor(self, command: str, **arguments: object) -> dict[str, object]:
        """One QMP command (https://www.qemu.org/docs/master/interop/qmp-spec.html)."""
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as link:
            link.connect(str(self._monitor_path))
            stream = link.makefile("rw")
            stream.readline()
            for order in ({"execute": "qmp_capabilities"},
                          {"execute": command, "arguments": arguments}):  # fmt: skip
                stream.write(json.dumps(order) + "\n")
                stream.flush()
                reply = json.loads(stream.readline())
                while "event" in reply:
                    reply = json.loads(stream.readline())
            return dict(reply)


def attach(hardware: Hardware, folder: Path) -> int:
    """Run a guest with its serial console on this terminal until it powers off.

    Ctrl-A x ends it, as everywhere in QEMU.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arguments = qemu_arguments(hardware, folder, free_port())
    arguments += ["-chardev", "stdio,mux=on,id=s0,signal=off"]
    arguments += ["-serial", "chardev:s0", "-mon", "chardev=s0"]
    return subprocess.run(arguments, check=False).returncode
