"""System roots: initialised, deployed into, read by ostree's own command."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import Cancelled, OstreeError
from engine.grub_menu import grub_menu_of_tree
from engine.origin import Origin
from engine.pull import pull
from engine.repo import Repo
from engine.sysroot import Deployment, Sysroot, initialise_sysroot, prepare_grub_boot
from tests.engine.trees import (
    REF,
    add_shell,
    commit_tree,
    ostree,
    run_booted,
    run_python_booted,
    write_tree,
)

ORIGIN = Origin.for_refspec(f"photon:{REF}")
ARGUMENTS = ["root=UUID=1", "rw", "console=tty0", "console=ttyS0,115200", "quiet"]


def bring(system: Path, tmp_path: Path, version: str = "5.0_minimal", **files: str) -> str:
    """Pull a tree of that version into the system; returns the commit."""
    tree = write_tree(tmp_path / f"tree-{version}", {"usr/version": version, **files})
    add_shell(tree)
    source = tmp_path / "source"
    commit_tree(source, tree, f"--add-metadata-string=version={version}")
    return pull(Repo.open(system / "ostree/repo"), "photon", REF, url=f"file://{source}")


def deploy(system: Path, commit: str, merge: Deployment | None = None) -> Deployment:
    sysroot = Sysroot.load(system, writable=True)
    return sysroot.deploy("photon", commit, ORIGIN, ARGUMENTS, merge=merge)


def menu(system: Path) -> list[str]:
    lines = (system / "boot/grub/grub.cfg").read_text().splitlines()
    return [line.removeprefix("title=") for line in lines if line.startswith("title=")]


def test_an_initialised_root_is_what_ostree_makes_with_readonly_and_a_boot_loader(
    tmp_path: Path,
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    initialise_sysroot(ours, "photon", grub=None)
    ostree("admin", "init-fs", "--modern", theirs)
    ostree("admin", "os-init", f"--sysroot={theirs}", "photon")

    def listing(root: Path) -> list[tuple[str, int]]:
        return [
            (str(path.relative_to(root)), path.lstat().st_mode)
            for path in sorted(root.rglob("*"))
            if "repo/" not in str(path)
        ]

    assert listing(ours) == listing(theirs)
    repo = ours / "ostree/repo"
    assert ostree("config", f"--repo={repo}", "get", "sysroot.readonly") == "true"


def test_initialising_does_not_depend_on_the_umask_and_can_be_repeated(tmp_path: Path) -> None:
    former = os.umask(0o077)
    try:
        initialise_sysroot(tmp_path, "photon")
        initialise_sysroot(tmp_path, "photon")
    finally:
        os.umask(former)
    stateroot = tmp_path / "ostree/deploy/photon"
    assert {path.stat().st_mode & 0o7777 for path in (stateroot, stateroot / "var/lib")} == {0o755}
    assert (stateroot / "var/tmp").stat().st_mode & 0o7777 == 0o1777


def test_a_strange_name_for_a_stateroot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OstreeError, match="no name for a stateroot"):
        initialise_sysroot(tmp_path, "../photon")


def test_a_deployment_has_its_tree_origin_arguments_and_boot_entry(
    system: Path, tmp_path: Path
) -> None:
    commit = bring(system, tmp_path)
    deployed = deploy(system, commit)
    assert (deployed.commit, deployed.index, deployed.osname) == (commit, 0, "photon")
    assert deployed.origin == ORIGIN
    assert list(deployed.kernel_arguments[:-1]) == ARGUMENTS
    assert deployed.kernel_arguments[-1].startswith("ostree=/ostree/boot.")
    assert (deployed.path / "etc/hostname").read_text() == "photon\n"
    shown = ostree("admin", "status", f"--sysroot={system}")
    assert f"photon {commit}.0" in shown
    assert f"origin refspec: photon:{REF}" in shown


def test_the_menu_is_made_by_the_trees_program_for_every_deployment(
    system: Path, tmp_path: Path
) -> None:
    first = deploy(system, bring(system, tmp_path))
    assert menu(system) == ["Photon OS 5.0 5.0_minimal (ostree:0)"]
    deploy(system, bring(system, tmp_path, "5.0_minimal.1"), merge=first)
    assert sorted(menu(system)) == [
        "Photon OS 5.0 5.0_minimal (ostree:1)",
        "Photon OS 5.0 5.0_minimal.1 (ostree:0)",
    ]
    assert "OSTREE_GRUB2_EXEC" not in os.environ


def test_nothing_of_the_menus_making_stays_mounted(system: Path, tmp_path: Path) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    deploy(system, bring(system, tmp_path))
    assert Path("/proc/self/mountinfo").read_text() == before


def test_a_killed_run_leaves_nothing_of_the_menus_making(
    system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = deploy(system, bring(system, tmp_path)).path
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = sorted((system / "ostree/repo/tmp").iterdir())
    child = os.fork()
    if child == 0:
        with grub_menu_of_tree(system, root):
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(1)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert sorted((system / "ostree/repo/tmp").iterdir()) == before
    assert list(temporary.iterdir()) == []


def test_a_tree_without_a_menu_program_is_refused_before_anything_boots(
    system: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    commit = commit_tree(source, write_tree(tmp_path / "tree"))
    pull(Repo.open(system / "ostree/repo"), "photon", REF, url=f"file://{source}")
    with pytest.raises(OstreeError, match="no grub-mkconfig"):
        deploy(system, commit)
    assert Sysroot.load(system).deployments == ()


def test_a_menu_program_that_fails_is_named_with_its_words(
    system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = bring(system, tmp_path)
    monkeypatch.setenv("FAIL_MKCONFIG", "1")
    with pytest.raises(OstreeError, match="/usr/sbin/grub-mkconfig could not make the boot menu: "):
        deploy(system, commit)
    assert Sysroot.load(system).deployments == ()
    monkeypatch.delenv("FAIL_MKCONFIG")
    assert deploy(system, commit).index == 0


def test_a_root_without_a_boot_loader_needs_no_menu(tmp_path: Path, system: Path) -> None:
    commit = bring(system, tmp_path)
    (system / "boot/grub/grub.cfg").unlink()
    assert deploy(system, commit).index == 0
    prepare_grub_boot(system)
    assert (system / "boot/grub/grub.cfg").is_symlink()


def test_the_configuration_is_carried_over_only_when_merged(system: Path, tmp_path: Path) -> None:
    first = deploy(system, bring(system, tmp_path))
    (first.path / "etc/hostname").write_text("mine\n")
    second = deploy(system, bring(system, tmp_path, "5.0_minimal.1"), merge=first)
    assert (second.path / "etc/hostname").read_text() == "mine\n"
    assert [each.commit for each in Sysroot.load(system).deployments] == [
        second.commit,
        first.commit,
    ]


def test_what_is_unknown_or_missing_is_refused(system: Path, tmp_path: Path) -> None:
    with pytest.raises(OstreeError, match=f"{tmp_path} is not an OSTree system"):
        Sysroot.load(tmp_path)
    commit = bring(system, tmp_path)
    with pytest.raises(OstreeError, match="no stateroot other"):
        Sysroot.load(system).deploy("other", commit, ORIGIN, [])


def test_a_cancelled_deploy_changes_nothing_and_can_be_repeated(
    system: Path, tmp_path: Path
) -> None:
    commit = bring(system, tmp_path)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        Sysroot.load(system).deploy("photon", commit, ORIGIN, ARGUMENTS, cancel=token)
    assert Sysroot.load(system).deployments == ()
    assert deploy(system, commit).index == 0


def test_who_holds_the_lock_is_named(system: Path, tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from engine.sysroot import Sysroot
with Sysroot.load(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""
    sysroot = Sysroot.load(system)
    assert not sysroot.busy
    with subprocess.Popen(
        [sys.executable, "-c", program, str(system)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        assert sysroot.busy
        with (
            pytest.raises(OstreeError, match=rf"in use by python.* \(process {process.pid}\)"),
            sysroot.locked(),
        ):
            raise AssertionError
    with sysroot.locked():
        assert sysroot.busy
    assert not sysroot.busy


def test_deploying_works_in_any_thread(system: Path, tmp_path: Path) -> None:
    commit = bring(system, tmp_path)
    done: list[Deployment] = []
    thread = threading.Thread(target=lambda: done.append(deploy(system, commit)))
    thread.start()
    thread.join()
    assert done[0].commit == commit


def test_a_booted_system_is_recognised_and_writable_in_a_namespace_of_our_own(
    system: Path, tmp_path: Path
) -> None:
    deployed = deploy(system, bring(system, tmp_path))
    program = """
from pathlib import Path
from engine.sysroot import Sysroot
before = Path("/proc/self/ns/mnt").readlink()
sysroot = Sysroot.load()
assert sysroot.is_booted and sysroot.booted.index == 0
assert Path("/proc/self/ns/mnt").readlink() == before
Sysroot.load(writable=True)
assert Path("/proc/self/ns/mnt").readlink() != before
"""
    done = run_python_booted(system, deployed.path, "-c", program)
    assert done.returncode == 0, done.stderr
    shown = run_booted(system, deployed.path, ["ostree", "admin", "status"])
    assert shown.stdout.startswith(f"* photon {deployed.commit}.0")


def test_every_deployment_is_read_as_ostree_wrote_it(system: Path, tmp_path: Path) -> None:
    first = deploy(system, bring(system, tmp_path))
    ostree("admin", "pin", f"--sysroot={system}", "0")
    (deployed,) = Sysroot.load(system).deployments
    assert deployed.pinned
    assert deployed.origin.pinned
    assert deployed.origin.carried_over() == first.origin
    assert deployed.unlocked == "none"
