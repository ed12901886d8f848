"""The doors of a dry run: everything is told to emit, nothing is done.

Commands are LogLines that begin with "$ ", other actions with "- ", contents are indented below.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine.command import Output, redact
from engine.events import Emit, LogLine
from installer.accounts import AccountFiles
from installer.doors import Doors, Tree
from installer.plan import Remote, Source, TableType
from installer.probe import Machine
from installer.storage.geometry import MIB, Span

COMMIT = "COMMIT"  # what stands for the commit's id, which only the pull knows


def dry_doors(emit: Emit, machine: Machine) -> Doors:
    """Doors that only tell; machine: the facts the steps decide by."""
    commands = DryCommands(emit)
    return Doors(
        commands=commands,
        cleanup=commands,
        probe=lambda: machine,
        disks=DryDisks(emit, machine),
        trees=DryTrees(emit),
        open_files=lambda _tree: DryFiles(emit),
        download=lambda url, place: emit(LogLine(f"- download {url} to {place}")),
        is_installed=lambda _program: True,
    )


class DryCommands:
    """Shows commands; answers as programs would where steps read the answer."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

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
        variables = "".join(f"{name}={shlex.quote(value)} " for name, value in (env or {}).items())
        shown = redact(variables + shlex.join(argv), secrets)
        if input is not None:
            shown += f"  # reads {len(input)} characters from standard input"
        self._emit(LogLine(f"$ {shown}"))
        answer = f"uuid-of-{Path(argv[-1]).name}\n" if argv[0] == "blkid" else ""
        return Output(answer, "")


class DryDisks:
    def __init__(self, emit: Emit, machine: Machine) -> None:
        self._emit = emit
        used = {device.path for device in machine.disks}
        free = (f"/dev/loop{number}" for number in range(len(used) + 64))
        self._free = (path for path in free if path not in used)
        self._attached: dict[Path, str] = {}

    def attach(self, image: Path, size: int, sector_size: int) -> str:
        self._attached[image] = device = next(self._free)
        self._tell(
            f"make the sparse image {image} of {size // MIB} MiB and attach it as {device} "
            f"with {sector_size}-byte sectors"
        )
        return device

    def detach(self, image: Path) -> None:
        if device := self._attached.pop(image, None):
            self._tell(f"detach {device}")

    def publish(self, image: Path) -> None:
        self._tell(f"give the finished image its name {image}")

    def write_table(self, device: str, table: TableType, spans: Sequence[Span]) -> None:
        rows = [
            f"    {span.number}: sectors {span.start} to {span.end - 1}, "
            f"{span.partition.partlabel or span.partition.role}"
            for span in spans
        ]
        self._tell(f"write a new {table} partition table on {device}", rows)

    def await_nodes(self, device: str, spans: Sequence[Span], sector_size: int) -> None:
        self._tell(f"wait until the kernel shows the {len(spans)} partitions of {device}")

    def _tell(self, text: str, more: Sequence[str] = ()) -> None:
        for line in (f"- {text}", *more):
            self._emit(LogLine(line))


class DryFiles:
    """The new machine's files: the tree is not there, so it is taken to have what is asked for."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    def write(
        self, path: str, content: str | bytes, mode: int = 0o644, owner: str = "root"
    ) -> None:
        self._tell(f"write {path} ({mode:04o} {owner})")
        if mode & 0o004 and isinstance(content, str):  # what only root may read is not shown
            for line in content.splitlines():
                self._emit(LogLine(f"    {line}"))

    def edit(self, path: str, change: Callable[[str], str], why: str, mode: int = 0o644) -> None:
        self._tell(f"change {path}: {why}")

    def change_accounts(self, change: Callable[[AccountFiles], AccountFiles], why: str) -> None:
        self._tell(f"change /etc/passwd, group, shadow and gshadow: {why}")

    def make_directory(self, path: str, mode: int = 0o755, owner: str = "root") -> None:
        self._tell(f"make the directory {path} ({mode:04o} {owner})")

    def link(self, path: str, target: str) -> None:
        self._tell(f"link {path} to {target}")

    def copy(self, source: Path, path: str) -> None:
        self._tell(f"copy {source} to {path}")

    def read(self, path: str) -> str:
        return ""

    def exists(self, path: str) -> bool:
        return True

    def real_path(self, path: str) -> str:
        return path

    def _tell(self, text: str) -> None:
        self._emit(LogLine(f"- {text}"))


class DryTrees:
    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    def initialise(self, sysroot: Path, osname: str) -> None:
        self._tell(f"make an OSTree system root in {sysroot} with the stateroot {osname}")

    def add_remote(self, sysroot: Path, remote: Remote) -> None:
        key = f", GPG key {remote.gpg_key}" if remote.gpg_key else ""
        checked = "verified" if remote.gpg_verify else "not verified"
        self._tell(f"add the remote {remote.name}: {remote.url} ({checked}{key})")

    def pull(self, sysroot: Path, source: Source, url: str, emit: Emit) -> str:
        what = source.commit or source.ref
        self._tell(f"pull {what} from {url} as {source.remote.name}:{source.ref}")
        return source.commit or COMMIT

    def deploy(
        self, sysroot: Path, source: Source, commit: str, kernel_arguments: Sequence[str]
    ) -> Tree:
        self._tell(f"deploy {commit} as {source.osname}", f"    {shlex.join(kernel_arguments)}")
        stateroot = sysroot / "ostree/deploy" / source.osname
        return Tree(commit, "", stateroot / f"deploy/{commit}.0", stateroot / "var")

    def locate_repository(self, folder: Path) -> Path:
        return folder

    def _tell(self, *lines: str) -> None:
        for number, line in enumerate(lines):
            self._emit(LogLine(line if number else f"- {line}"))
