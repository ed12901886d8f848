"""Timing whole commands in turn, and watching the memory of a process tree."""

import os
import platform
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Timing:
    """Seconds of every run, in the order they ran."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def milliseconds(self) -> str:
        spread = f"{min(self.seconds) * 1000:.0f}-{max(self.seconds) * 1000:.0f}"
        return f"{self.median * 1000:.0f} ({spread})"

    def __str__(self) -> str:
        spread = f"{min(self.seconds):.1f}-{max(self.seconds):.1f}"
        return f"{self.median:.2f} ({spread})"


def in_turn(ways: Mapping[str, Callable[[], float]], runs: int = 3) -> dict[str, Timing]:
    """A B C A B C A B C: drift of the machine's speed meets every way alike.

    Each way prepares, times itself and cleans up; it returns the seconds that count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(runs):
        for name, way in ways.items():
            seconds[name].append(way())
            print(f"  {name}, run {number + 1}: {seconds[name][-1]:.2f} s", flush=True)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def peak_memory(process: subprocess.Popen[bytes]) -> int:
    """Bytes: the highest sum of the proportional set sizes of a process and its descendants.

    Waits for the end of the process. PSS counts a page that is shared by two of them once.
    """
    peak = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.02):
            peak = max(peak, sum(_pss(pid) for pid in _tree(process.pid)))

    thread = threading.Thread(target=watch)
    thread.start()
    process.wait()
    ended.set()
    thread.join()
    return peak


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def machine_description() -> str:
    """Processor, cores, memory, kernel, libostree: what a reader needs to judge the numbers."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    ostree = subprocess.run(["ostree", "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"Version: '([^']+)'", ostree.stdout)
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GB of memory, Linux {platform.release()}, "
        f"Python {platform.python_version()}, libostree {version[1] if version else '?'}"
    )


def timed(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start
