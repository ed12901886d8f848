"""`photree status`: the model, rpm-ostree's JSON and layout."""

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.command import SystemCommands
from engine.health.checks import CheckResult
from engine.health.record import Fallback, HealthRecord, write_health
from engine.origin import Origin
from engine.ostree import GLib
from engine.pull import pull
from engine.remotes import RemoteConfig, add_remote
from engine.repo import Repo
from engine.status import read_status, to_json
from engine.sysroot import Deployment, Sysroot
from engine.updates.record import LastRun, UpdateFound, write_last_run
from tests.engine.trees import REF, commit_tree, ostree, run_python_booted, write_tree
from tests.gpg import GpgKey
from tui.verbs import status as verb

ORIGIN = Origin.for_refspec(f"photon:{REF}")
TIME = "2026-11-23T20:00:00Z"


def publish(tmp_path: Path, version: str, *options: str) -> Path:
    tree = write_tree(tmp_path / f"tree-{version}", {"usr/version": version})
    commit_tree(
        tmp_path / "source",
        tree,
        f"--timestamp={TIME}",
        f"--add-metadata-string=version={version}",
        *options,
    )
    return tmp_path / "source"


def deploy(system: Path, source: Path, remote: str = "photon") -> Deployment:
    """Without a boot loader, since these trees have no programs."""
    (system / "boot/grub/grub.cfg").unlink(missing_ok=True)
    commit = pull(Repo.open(system / "ostree/repo"), remote, REF, url=f"file://{source}")
    sysroot = Sysroot.load(system)
    merge = sysroot.deployments[0] if sysroot.deployments else None
    origin = Origin.for_refspec(f"{remote}:{REF}")
    return sysroot.deploy("photon", commit, origin, ["quiet"], merge=merge)


@pytest.fixture
def two(system: Path, tmp_path: Path) -> tuple[Path, Deployment, Deployment]:
    """(system, former deployment, next one)"""
    former = deploy(system, publish(tmp_path, "5.0_minimal"))
    return system, former, deploy(system, publish(tmp_path, "5.0_minimal.1"))


def text(system: Path, **options: bool) -> list[str]:
    lines = verb.StatusText(SystemCommands(), **options).lines(read_status(Sysroot.load(system)))
    return list(lines)


def row(lines: list[str], key: str) -> str:
    found = [line for line in lines if line.strip().startswith(f"{key}:")]
    return found[0].partition(": ")[2] if found else ""


def test_the_layout_is_rpm_ostrees(two: tuple[Path, Deployment, Deployment]) -> None:
    system, former, following = two
    assert text(system) == [
        "State: idle",
        "Deployments:",
        f"  photon:{REF}",
        f"                  Version: 5.0_minimal.1 ({TIME})",
        f"                   Commit: {following.commit}",
        "",
        f"  photon:{REF}",
        f"                  Version: 5.0_minimal ({TIME})",
        f"                   Commit: {former.commit}",
    ]


def test_verbose_adds_index_stateroot_and_update_policy(
    two: tuple[Path, Deployment, Deployment],
) -> None:
    lines = text(two[0], verbose=True)
    assert lines[1] == "AutomaticUpdates: disabled"
    assert f"  photon:{REF} (index: 1)" in lines
    assert row(lines, "StateRoot") == "photon"
    assert row(lines, "Staged") == "no"


def test_the_json_has_rpm_ostrees_keys(two: tuple[Path, Deployment, Deployment]) -> None:
    system, former, following = two
    document = json.loads(json.dumps(to_json(read_status(Sysroot.load(system)))))
    assert set(document) == {"deployments", "transaction", "cached-update", "update-driver"}
    first, second = document["deployments"]
    assert first["id"] == f"photon-{following.commit}.0"
    assert (first["checksum"], first["serial"], first["osname"]) == (following.commit, 0, "photon")
    assert (first["version"], first["timestamp"]) == ("5.0_minimal.1", 1795464000)
    assert (first["booted"], first["staged"], first["pinned"]) == (False, False, False)
    assert (first["unlocked"], first["origin"]) == ("none", f"photon:{REF}")
    assert first["packages"] == first["requested-packages"] == first["base-removals"] == []
    assert first["gpg-enabled"] is False
    assert first["base-commit-meta"]["version"] == "5.0_minimal.1"
    assert second["pending-base-checksum"] == following.commit
    assert second["pending-base-version"] == "5.0_minimal.1"
    assert second["checksum"] == former.commit


def test_the_booted_deployment_is_marked_and_a_pending_one_exits_with_77(
    two: tuple[Path, Deployment, Deployment],
) -> None:
    system, former, _following = two
    words = ("-m", "tui.cli", "status", "--pending-exit-77")
    done = run_python_booted(system, former.path, *words)
    assert done.returncode == 77, done.stderr
    lines = done.stdout.splitlines()
    assert lines[lines.index(f"● photon:{REF}") + 2].endswith(former.commit)
    booted = run_python_booted(system, former.path, *words[:3], "--booted", uid=1000)
    assert booted.stdout.splitlines()[1:3] == ["BootedDeployment:", f"● photon:{REF}"]
    assert booted.stdout.count("Commit:") == 1
    done = run_python_booted(system, former.path, *words[:3], "--json", "--booted", uid=1000)
    (only,) = json.loads(done.stdout)["deployments"]
    assert (only["booted"], only["checksum"]) == (True, former.commit)


def test_without_pending_changes_the_exit_code_is_0(system: Path, tmp_path: Path) -> None:
    deployed = deploy(system, publish(tmp_path, "5.0_minimal"))
    words = ("-m", "tui.cli", "status", "--pending-exit-77")
    assert run_python_booted(system, deployed.path, *words).returncode == 0


def test_a_terminal_without_our_signs_gets_ascii() -> None:
    assert verb.printable("● a └ b ├ c", "ascii") == "* a `- b |- c"
    assert verb.printable("● a", "utf-8") == "● a"


def test_pins_and_several_stateroots_are_shown(
    two: tuple[Path, Deployment, Deployment],
) -> None:
    system, former, _following = two
    ostree("admin", "pin", f"--sysroot={system}", "1")
    ostree("admin", "os-init", f"--sysroot={system}", "other")
    Sysroot.load(system).deploy("other", former.commit, ORIGIN, [])
    lines = text(system)
    assert row(lines, "Pinned") == "yes"
    assert row(lines, "StateRoot") == "other"


@pytest.fixture
def signed(
    system: Path, tmp_path: Path, keys: tuple[GpgKey, GpgKey]
) -> Iterator[tuple[Path, GpgKey, GpgKey]]:
    """A system with a deployment of a signed commit."""
    publisher, stranger = keys
    signing = (f"--gpg-homedir={publisher.homedir}", f"--gpg-sign={publisher.id}")
    repo = Repo.open(system / "ostree/repo")
    add_remote(repo, RemoteConfig("signed", "http://h/", gpg_key=publisher.public))
    deploy(system, publish(tmp_path, "5.0_minimal", *signing), "signed")
    yield system, publisher, stranger


def test_signatures_are_named_with_their_key(signed: tuple[Path, GpgKey, GpgKey]) -> None:
    system, publisher, _stranger = signed
    assert row(text(system), "GPGSignature") == f"Valid signature by {publisher.id}"
    (found,) = to_json(read_status(Sysroot.load(system)))["deployments"]
    assert found["gpg-enabled"] is True
    assert found["signatures"][0][0] is True
    assert publisher.id in found["signatures"][0]


def test_a_signature_by_an_unknown_key_and_none_are_told_apart(
    signed: tuple[Path, GpgKey, GpgKey],
) -> None:
    system, publisher, stranger = signed
    repo = Repo.open(system / "ostree/repo")
    other = RemoteConfig("signed", "http://h/", gpg_key=stranger.public)
    add_remote(repo, other, replace=True)
    shown = row(text(system), "GPGSignature")
    assert shown.startswith("Can't check signature: public key ")
    assert publisher.id[-16:] in shown
    checksum = Sysroot.load(system).deployments[0].commit
    (repo.path / "objects" / checksum[:2] / f"{checksum[2:]}.commitmeta").unlink()
    assert row(text(system), "GPGSignature") == "(unsigned)"


def test_a_remote_that_is_gone_is_shown(signed: tuple[Path, GpgKey, GpgKey]) -> None:
    system = signed[0]
    ostree("remote", "delete", f"--repo={system}/ostree/repo", "signed")
    assert 'Remote "signed" not found' in row(text(system), "OstreeRemoteStatus")


def _nevra(version: str) -> GLib.Variant:
    return GLib.Variant("(sstsss)", (f"sed-{version}-1.x", "sed", 0, version, "1", "x"))


def test_layered_packages_are_shown_with_their_base(system: Path, tmp_path: Path) -> None:
    base = deploy(system, publish(tmp_path, "5.0_minimal"))
    repo = Repo.open(system / "ostree/repo")
    metadata = {
        "version": GLib.Variant("s", "5.0_minimal"),
        "rpmostree.clientlayer": GLib.Variant("b", True),
        "rpmostree.packages": GLib.Variant("as", ["vim", "tmux"]),
        "rpmostree.removed-base-packages": GLib.Variant(
            "av", [GLib.Variant("(sstsss)", ("nano-1-2.x", "nano", 0, "1", "2", "x"))]
        ),
        "rpmostree.replaced-base-remote-packages": GLib.Variant(
            "a{sv}", {"repo=testing": GLib.Variant("a(vv)", [(_nevra("3"), _nevra("2"))])}
        ),
    }
    with repo.transaction():
        _ok, root, _commit = repo.native.read_commit(base.commit, None)
        _ok, layered = repo.native.write_commit(
            base.commit, None, None, GLib.Variant("a{sv}", metadata), root, None
        )
    origin = ORIGIN.with_packages(["vim", "tmux", "bash"]).with_replacements(["repo=testing,sed"])
    sysroot = Sysroot.load(system)
    sysroot.deploy("photon", layered, origin, [], merge=sysroot.deployments[0])
    lines = text(system, verbose=True)
    assert row(lines, "BaseCommit") == base.commit
    assert row(lines, "LayeredPackages") == "tmux vim"
    assert row(lines, "InactiveRequests") == "bash"
    assert row(lines, "RemovedBasePackages") == "nano 1-2"
    assert row(lines, "RemoteOverrides") == "repo=testing"
    assert "└ sed 2-1 -> 3-1" in "\n".join(lines)
    found = to_json(read_status(Sysroot.load(system)))["deployments"][0]
    assert (found["checksum"], found["base-checksum"]) == (layered, base.commit)
    assert (found["packages"], found["base-version"]) == (["vim", "tmux"], "5.0_minimal")
    assert found["requested-packages"] == ["bash", "tmux", "vim"]
    assert found["requested-base-remote-replacements"] == [["repo=testing", ["sed"]]]
    ((new, old),) = found["base-remote-replacements"]["repo=testing"]
    assert (new[0], old[0]) == ("sed-3-1.x", "sed-2-1.x")
    assert "rpmostree.packages" not in found["layered-commit-meta"]


def test_the_update_policy_is_read_from_the_system(
    two: tuple[Path, Deployment, Deployment],
) -> None:
    system, _former, following = two
    configuration = following.path / "etc/rpm-ostreed.conf"
    configuration.write_text("[Daemon]\nAutomaticUpdatePolicy=stage\n")
    assert read_status(Sysroot.load(system)).policy == "stage"
    assert text(system)[1].startswith("AutomaticUpdates: stage; photree-automatic.timer: ")
    configuration.write_text("no section")
    lines = text(system)
    assert lines[1] == "AutomaticUpdates: disabled; the configuration is not valid"
    assert lines[2].startswith(f"  {configuration}:1: ")
    document = to_json(read_status(Sysroot.load(system)))
    assert document["automatic-updates"]["policy"] == "none"
    assert f"{configuration}:1" in document["automatic-updates"]["problems"][0]


def test_the_last_run_and_the_update_it_found_are_shown(
    two: tuple[Path, Deployment, Deployment],
) -> None:
    system, _former, following = two
    stateroot = system / "ostree/deploy/photon"
    configuration = following.path / "etc/photree.conf"
    configuration.write_text("[Daemon]\nAutomaticUpdatePolicy=check\n")
    found = UpdateFound("c" * 64, "5.0_minimal.2", 1795464000, "3 upgraded")
    run = LastRun(TIME, "check", "available", "5.0_minimal.2 is available.", found)
    write_last_run(run, stateroot)
    lines = text(system)
    assert lines[2] == f"  LastRun: {TIME}; 5.0_minimal.2 is available."
    assert lines[-5:] == [
        "",
        "AvailableUpdate:",
        f"        Version: 5.0_minimal.2 ({TIME})",
        f"         Commit: {'c' * 64}",
        "           Diff: 3 upgraded",
    ]
    document = to_json(read_status(Sysroot.load(system)))
    assert document["cached-update"]["version"] == "5.0_minimal.2"
    assert document["automatic-updates"]["last-run"]["outcome"] == "available"
    deployed = UpdateFound(following.commit, "5.0_minimal.1")
    write_last_run(LastRun(TIME, "check", "available", "", deployed), stateroot)
    assert "AvailableUpdate:" not in text(system)
    assert to_json(read_status(Sysroot.load(system)))["cached-update"] is None


def test_the_health_of_the_booted_deployment_is_shown(
    two: tuple[Path, Deployment, Deployment],
) -> None:
    system, former, following = two
    checks = (CheckResult("10-web", False, 0.1, "no answer"),)
    record = HealthRecord().fell_back(
        Fallback(following.id, "5.0_minimal.1", following.commit, former.id, "it broke", TIME),
        checks,
    )
    write_health(
        record.judged(former.id, former.commit, checks, TIME), system / "ostree/deploy/photon"
    )
    done = run_python_booted(system, former.path, "-m", "tui.cli", "status", uid=1000)
    assert done.stdout.splitlines()[1:3] == [
        f"Health: fell back from 5.0_minimal.1 (it broke; {TIME})",
        f"Health: not healthy (check 10-web failed: no answer; {TIME})",
    ], done.stderr
    done = run_python_booted(system, former.path, "-m", "tui.cli", "status", "--json", uid=1000)
    health = json.loads(done.stdout)["health"]
    assert (health["healthy"], health["fallback"]["version"]) == (False, "5.0_minimal.1")


def run_verb(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return parser.parse_args(words)


def test_the_verb_prints_json_or_text(
    two: tuple[Path, Deployment, Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (("--json",), ("-v",)):
        output = io.StringIO()
        monkeypatch.setattr(sys, "stdout", output)
        assert verb.run(run_verb(*words, "--sysroot", str(two[0]))) == 0
        assert two[2].commit in output.getvalue()


def test_elsewhere_the_error_names_the_option() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui.cli", "status"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "/ is not an OSTree system" in done.stderr
    assert "--sysroot" in done.stderr


def test_nothing_heavy_is_loaded_for_it() -> None:
    program = (
        "import sys, tui.verbs.status; "
        "print(*{'requests', 'pydantic', 'textual', 'rich', 'rpm', 'yaml'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_a_staged_deployment_is_shown_as_root_and_as_a_user(
    two: tuple[Path, Deployment, Deployment],
) -> None:
    system, former, following = two
    program = f"""
import subprocess, sys
from engine.sysroot import Sysroot
from engine.ostree import OSTree
sysroot = Sysroot.load(writable=True)
booted = sysroot.booted
sysroot.native.stage_tree("photon", {following.commit!r}, booted.origin.native, booted.native,
                          ["quiet"], None)
for command in ([], ["setpriv", "--reuid=1000", "--clear-groups"]):
    subprocess.run([*command, sys.executable, "-m", "tui.cli", "status", "-v"], check=True)
"""
    done = run_python_booted(system, former.path, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Staged: yes") == 2
