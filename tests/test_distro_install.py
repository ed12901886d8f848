"""The packages of the treefiles, installed into a root as rpm does it, scriptlets and all."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import solv

from engine.command import Output, SystemCommands
from tests.distro.build import Distribution, distribution
from tests.distro.recipes import HERE

pytestmark = pytest.mark.root


def treefile_packages(name: str) -> list[str]:
    """The packages of a treefile and of those it includes."""
    values = json.loads((HERE / "treefiles" / name).read_text())
    included = treefile_packages(values["include"]) if "include" in values else []
    return [*included, *values["packages"], *values.get("packages-x86_64", [])]


def solve(repository: Path, names: list[str]) -> list[Path]:
    """The RPM files that libsolv picks for names, without recommendations."""
    pool = solv.Pool()
    pool.setdisttype(solv.Pool.DISTTYPE_RPM)
    pool.setarch("x86_64")
    metadata = pool.add_repo("photon")
    for kind, flags in (("primary", 0), ("filelists", solv.Repo.REPO_EXTEND_SOLVABLES)):
        (path,) = (repository / "repodata").glob(f"*-{kind}.xml.gz")
        file = solv.xfopen(str(path))
        assert metadata.add_rpmmd(file, "FL" if flags else None, flags)
        file.close()
    pool.addfileprovides()
    pool.createwhatprovides()
    jobs = []
    for name in names:
        selection = pool.select(name, solv.Selection.SELECTION_NAME)
        assert not selection.isempty(), name
        jobs += selection.jobs(solv.Job.SOLVER_INSTALL)
    solver = pool.Solver()
    solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
    problems = [str(problem) for problem in solver.solve(jobs)]
    assert problems == []
    return [
        repository / solvable.lookup_location()[0]
        for solvable in solver.transaction().newsolvables()
    ]


@pytest.fixture(scope="module")
def distro() -> Distribution:
    return distribution()


@pytest.fixture(scope="module")
def installed(
    distro: Distribution, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Output]]:
    """A root with the minimal tree's packages, accounts moved as a compose does; rpm's output."""
    root = tmp_path_factory.mktemp("root")
    (root / "dev").mkdir()
    os.mknod(root / "dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    packages = solve(distro.repository, treefile_packages("photon-minimal.json"))
    where = ("--root", str(root), "--force-debian", "--define", "_dbpath /usr/lib/sysimage/rpm")
    output = SystemCommands().run(["rpm", *where, "--nosignature", "-i", *map(str, packages)])
    for name in ("passwd", "group"):
        lines = (root / "etc" / name).read_text().splitlines(keepends=True)
        own = [line for line in lines if line.startswith("root:")]
        (root / "etc" / name).write_text("".join(own))
        (root / "usr/lib" / name).write_text("".join(line for line in lines if line not in own))
    yield root, output
    shutil.rmtree(root)


def inside(root: Path, *argv: str) -> str:
    return SystemCommands().run(["chroot", str(root), *argv]).stdout.strip()


def test_the_minimal_tree_installs_without_a_warning(installed: tuple[Path, Output]) -> None:
    _, output = installed
    assert output.stderr == ""


def test_accounts_of_the_tree_are_found_beside_etc(installed: tuple[Path, Output]) -> None:
    root, _ = installed
    assert inside(root, "id", "sshd") == "uid=73(sshd) gid=73(sshd) groups=73(sshd)"
    assert inside(root, "getent", "passwd", "76").startswith("systemd-network:")
    assert inside(root, "getent", "group", "shadow") == "shadow:x:42:"
    listed = inside(root, "getent", "passwd").splitlines()
    assert len(listed) == len((root / "usr/lib/passwd").read_text().splitlines()) + 1


def test_a_long_group_line_is_read_whole(installed: tuple[Path, Output]) -> None:
    root, _ = installed
    members = ",".join(f"member{number}" for number in range(2000))
    with (root / "usr/lib/group").open("a") as file:
        file.write(f"crowd:x:900:{members}\n")
    assert inside(root, "getent", "group", "crowd").endswith(",member1999")
    assert inside(root, "getent", "group").endswith(",member1999")


def test_only_the_wanted_units_are_enabled(installed: tuple[Path, Output]) -> None:
    root, _ = installed
    table = inside(root, "systemctl", "list-unit-files", "--state=enabled", "--no-legend")
    units = {line.split()[0] for line in table.splitlines()}
    assert {"ssh.service", "systemd-networkd.service", "systemd-resolved.service"} <= units
    assert units.isdisjoint({"debug-shell.service", "nginx.service", "ssh.socket"})


def test_the_ssh_server_accepts_its_configuration(installed: tuple[Path, Output]) -> None:
    root, _ = installed
    (root / "run/sshd").mkdir(exist_ok=True)
    key = "/etc/ssh/ssh_host_ed25519_key"
    inside(root, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    assert "permitrootlogin yes" in inside(root, "sshd", "-T")


def test_the_kernel_has_its_module_index(installed: tuple[Path, Output]) -> None:
    root, _ = installed
    (modules,) = (root / "usr/lib/modules").iterdir()
    assert (root / "boot" / f"vmlinuz-{modules.name}").exists()
    assert (root / "boot/photon.cfg").readlink() == Path(f"linux-{modules.name}.cfg")
    assert (modules / "modules.dep").stat().st_size > 0


def test_bytecode_does_not_depend_on_the_time_of_its_source(
    installed: tuple[Path, Output],
) -> None:
    root, _ = installed
    for folder in ("python3.11/json", "photree/engine", "python3/dist-packages/pydantic"):
        files = list((root / "usr/lib" / folder / "__pycache__").glob("*.pyc"))
        assert files
        # PEP 552: flags 1 = checked by nothing, valid as it is.
        assert {file.read_bytes()[4:8] for file in files} == {b"\x01\0\0\0"}


def test_the_photree_command_runs(installed: tuple[Path, Output]) -> None:
    root, _ = installed
    assert inside(root, "photree", "--version").startswith("photree ")
    assert inside(root, "python3", "-c", "import pydantic, yaml, requests, rpm, solv") == ""


ENTRIES = {
    "ostree-1-photon.conf": (
        "title Photon 5.0_minimal (ostree:1)\nversion 1\noptions root=UUID=x rw ostree=/old\n"
        "linux /ostree/photon-a/vmlinuz-6.1\ninitrd /ostree/photon-a/initramfs-6.1.img\n"
    ),
    "ostree-2-photon.conf": (
        "title Photon's 5.0_minimal.1 (ostree:0)\nversion 2\noptions root=UUID=x rw ostree=/new\n"
        "linux /boot/ostree/photon-b/vmlinuz-6.1\ninitrd /boot/ostree/photon-b/initramfs-6.1.img\n"
    ),
}


def test_the_menu_lists_the_newest_deployment_first(installed: tuple[Path, Output]) -> None:
    root, _ = installed
    loader = root / "boot/loader.1"
    (loader / "entries").mkdir(parents=True)
    for name, text in ENTRIES.items():
        (loader / "entries" / name).write_text(text)
    inside(root, "grub-mkconfig", "-o", "/boot/loader.1/grub.cfg")
    inside(root, "grub-script-check", "/boot/loader.1/grub.cfg")
    menu = (loader / "grub.cfg").read_text()
    lines = [line.strip() for line in menu[menu.index("menuentry") :].splitlines()]
    assert lines == [
        "menuentry 'Photons 5.0_minimal.1 (ostree:0)' --id 'ostree-0' --unrestricted {",
        "linux ${boot}/ostree/photon-b/vmlinuz-6.1 root=UUID=x rw ostree=/new",
        "initrd ${boot}/ostree/photon-b/initramfs-6.1.img",
        "}",
        "menuentry 'Photon 5.0_minimal (ostree:1)' --id 'ostree-1' --unrestricted {",
        "linux ${boot}/ostree/photon-a/vmlinuz-6.1 root=UUID=x rw ostree=/old",
        "initrd ${boot}/ostree/photon-a/initramfs-6.1.img",
        "}",
    ]
    assert [path.name for path in loader.iterdir() if path.is_file()] == ["grub.cfg"]
