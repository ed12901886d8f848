"""The units that are shipped: systemd reads them, and their order has no circle."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.distro.recipes import HERE, read_yaml
from tests.engine.health.grub import UNITS

SUFFIXES = (".service", ".timer")
NAMES = sorted(path.name for path in UNITS.iterdir() if path.suffix in SUFFIXES)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """They, enabled as their [Install] says, and with a program that this machine has."""
    for name in NAMES:
        text = (UNITS / name).read_text().replace("/usr/bin/photree", "/bin/true")
        (tmp_path / name).write_text(text)
        for line in text.splitlines():
            kind, _equals, target = line.partition("By=")
            if kind in ("Wanted", "Required"):
                word = {"Wanted": "wants", "Required": "requires"}[kind]
                folder = tmp_path / f"{target}.{word}"
                folder.mkdir(exist_ok=True)
                (folder / name).symlink_to(f"../{name}")
    return tmp_path


def verify(units: Path, *names: str) -> str:
    """What systemd complains of when these, and all they pull in, are started together."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes",
         *(str(units / name) if (units / name).exists() else name for name in names)],
        env={"SYSTEMD_UNIT_PATH": f"{units}:/usr/lib/systemd/system", "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "\n".join(line for line in done.stderr.splitlines() if "photree" in line)


def test_systemd_has_nothing_to_complain_of(units: Path) -> None:
    assert verify(units, *NAMES) == ""


def test_booting_with_them_has_no_circle(units: Path) -> None:
    assert verify(units, "multi-user.target", "graphical.target", "boot-complete.target") == ""


def test_systemd_would_have_seen_a_circle(units: Path) -> None:
    path = units / "photree-health.service"
    path.write_text(path.read_text().replace("Before=boot-complete", "Before=sysinit"))
    assert "ordering cycle" in verify(units, "multi-user.target")


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("photree-health.service", "enable"),
        ("photree-boot-counter.service", "enable"),
        ("photree-fleet-lock.service", "enable"),
        ("photree-automatic.timer", "disable"),
    ],
)
def test_the_presets_are_what_is_promised(tmp_path: Path, name: str, state: str) -> None:
    """Before those of the distribution, which disable whatever nobody named."""
    system = tmp_path / "usr/lib/systemd/system"
    presets = tmp_path / "usr/lib/systemd/system-preset"
    shutil.copytree(HERE / "own/photon-release/root/usr/lib/systemd/system-preset", presets)
    system.mkdir(parents=True)
    shutil.copy(UNITS / "50-photree.preset", presets)
    for unit in NAMES:
        shutil.copy(UNITS / unit, system)
    subprocess.run(["systemctl", f"--root={tmp_path}", "preset", name], check=True)
    told = subprocess.run(
        ["systemctl", f"--root={tmp_path}", "is-enabled", name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.stdout.strip() == f"{state}d"


def test_the_package_has_every_file() -> None:
    recipe = read_yaml(HERE / "own/photree/package.yaml")
    copied = {file["copy_of"] for file in recipe["files"].values() if "copy_of" in file}
    assert copied == {f"usr/lib/photree/engine/units/{path.name}" for path in UNITS.iterdir()}
