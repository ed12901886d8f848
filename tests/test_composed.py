"""The tree of the whole test distribution: what a machine that boots it relies on."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.compose import ComposeOptions, compose_tree
from engine.events import discard
from tests.composed import ComposedTree, composed_tree


@pytest.fixture(scope="module")
def tree() -> ComposedTree:
    return composed_tree()


@pytest.fixture(scope="module")
def root(tree: ComposedTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree, checked out with its owners."""
    out = tmp_path_factory.mktemp("composed") / "root"
    subprocess.run(["ostree", f"--repo={tree.repo}", "checkout", tree.commit, out], check=True)
    return out


def inside(root: Path, *command: str) -> str:
    """Run a program of the tree on the tree, read-only."""
    arguments = ["--ro-bind", root / "usr", "/usr", "--ro-bind", root / "usr/etc", "/etc"]
    for name in ("bin", "sbin", "lib", "lib64"):
        arguments += ["--symlink", f"usr/{name}", f"/{name}"]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run"]
    arguments += ["--tmpfs", "/var/tmp", "--clearenv", "--setenv", "PATH", "/usr/bin:/usr/sbin"]
    done = subprocess.run(
        ["bwrap", *arguments, "--", *command], capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).strip()


def test_ostree_finds_no_fault_with_the_repository(tree):
    command = ["ostree", f"--repo={tree.repo}", "fsck"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_users_of_packages_resolve_through_altfiles(root):
    assert "sshd" not in (root / "usr/etc/passwd").read_text()
    assert inside(root, "getent", "passwd", "sshd").startswith("sshd:x:")
    assert "systemd-network" in inside(root, "id", "systemd-network")


def test_the_units_of_the_treefile_and_of_presets_are_enabled(root):
    for unit in ("ssh.service", "systemd-networkd.service", "ostree-remount.service"):
        assert inside(root, "systemctl", "--root=/", "is-enabled", unit) == "enabled", unit
    wants = root / "usr/lib/systemd/system/local-fs.target.wants/tmp.mount"
    assert wants.is_symlink()


def test_rpm_inside_knows_every_package_and_finds_its_files_unchanged(root, tree):
    names = inside(root, "rpm", "-qa", "--qf", "%{name}\\n").split()
    assert {"systemd", "ostree", "dracut", "photree", "bash"} <= set(names)
    assert len(names) > 200
    verified = inside(root, "rpm", "-V", "--nomtime", "openssh-server", "sudo", "dbus-daemon")
    # /var is the machine's; the treefile leaves documentation (marked d) out
    assert [line for line in verified.splitlines() if not re.search(" d | /var/", line)] == []


def test_the_kernel_has_an_initramfs_that_finds_the_deployment(root):
    (modules,) = (root / "usr/lib/modules").iterdir()
    assert (modules / "vmlinuz").stat().st_size > 1_000_000
    assert (modules / "modules.dep").exists()
    assert (modules / "initramfs.img").stat().st_mode & 0o777 == 0o600
    listed = inside(root, "lsinitrd", f"/usr/lib/modules/{modules.name}/initramfs.img")
    assert "usr/lib/ostree/ostree-prepare-root" in listed
    assert "dev/console" in listed


def test_boot_keeps_what_photons_ostree_copies_from_it(root):
    boot = root / "usr/lib/ostree-boot"
    assert boot.is_dir()
    assert not list(boot.glob("vmlinuz*"))
    assert any(path.name == "photon.cfg" for path in boot.iterdir())


def test_set_id_programs_and_capabilities_are_as_packaged(root):
    helper = (root / "usr/lib/dbus-1.0/dbus-daemon-launch-helper").stat()
    assert helper.st_mode & 0o7777 == 0o4754
    assert helper.st_gid != 0
    assert "security.capability" in os.listxattr(root / "usr/bin/ping")


def test_the_hardware_database_needs_no_update_at_boot(root):
    assert (root / "usr/lib/udev/hwdb.bin").stat().st_size > 1_000_000
    assert not (root / "usr/etc/udev/hwdb.bin").exists()


def test_another_compose_from_nothing_gives_the_same_tree(tree, tmp_path):
    """Another cache directory, nothing cached, another umask."""
    treefile = tree.repo.parent / "treefiles" / "photon-minimal.json"
    former = os.umask(0o077)
    try:
        result = compose_tree(
            ComposeOptions(treefile, tmp_path / "repo", tmp_path / "cache"),
            SystemCommands(),
            discard,
            CancelToken(),
        )
    finally:
        os.umask(former)

    def content(repo: Path, commit: str | None) -> str:
        command = ["ostree", f"--repo={repo}", "show", str(commit)]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return next(line for line in shown.splitlines() if line.startswith("ContentChecksum"))

    assert content(tmp_path / "repo", result.commit) == content(tree.repo, tree.commit)
