"""The verbs that change a host, as a user types them: words, exit codes, and ostree's own view."""

import json
import stat
from pathlib import Path

import pytest

from engine.health.record import Fallback, HealthRecord, write_health
from engine.remotes import RemoteConfig, add_remote
from tests.engine.transactions.conftest import VERSIONS, TestHost
from tests.engine.trees import REF
from tui.cli import main

ONE, TWO, THREE = VERSIONS


def photree(host: TestHost, *words: str) -> int:
    return main([*words, f"--sysroot={host.path}"])


def test_upgrade_check_and_preview_say_what_would_change_and_change_nothing(
    host: TestHost, capsys: pytest.CaptureFixture[str]
) -> None:
    before = host.deployments
    assert photree(host, "upgrade", "--check") == 0
    text = capsys.readouterr().out
    assert text.startswith("AvailableUpdate:\n")
    assert f"Version: {THREE} (2026-11-03T12:00:00Z)" in text
    assert host.commits[THREE] in text
    assert "Download: at most" in text
    assert photree(host, "upgrade", "--preview", "--json") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["available-update"]
    assert found["version"] == THREE
    assert found["former"]["version"] == TWO
    assert host.deployments == before


def test_preview_names_what_was_changed_in_etc_on_both_sides(
    host: TestHost, capsys: pytest.CaptureFixture[str]
) -> None:
    host.publish("5.0_minimal.3", **{"usr/etc/hostname": "theirs\n"})
    (host.deployments[0].path / "etc/hostname").write_text("mine\n")
    assert photree(host, "upgrade", "--preview") == 0
    assert "EtcConflicts: /etc/hostname (the machine's own stays)" in capsys.readouterr().out
    assert photree(host, "upgrade") == 0
    assert (host.deployments[0].path / "etc/hostname").read_text() == "mine\n"


def test_a_version_that_failed_here_is_shown_and_taken_with_a_warning(
    host: TestHost, capfd: pytest.CaptureFixture[str]
) -> None:
    commit = host.commits[THREE]
    failure = Fallback("photon-x.0", THREE, commit, "photon-y.0", "it did not start", "2026-11-28")
    write_health(HealthRecord().fell_back(failure, ()), host.path / "ostree/deploy/photon")
    for words in (("--check",), ("--preview",), ()):
        assert photree(host, "upgrade", *words) == 0
        shown = capfd.readouterr().err
        warning = f"{THREE} (commit {commit[:10]}) failed on this machine at 2026-11-28"
        assert shown.count(f"warning: {warning}: it did not start\n") == 1
    assert host.versions[0] == THREE


def test_an_upgrade_uses_the_users_proxy(host: TestHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """nginx takes requests with a whole URL, as a proxy gets them, for its own."""
    unreachable = RemoteConfig("photon", "http://updates.example.invalid/", gpg_verify=False)
    add_remote(host.repo, unreachable, replace=True)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", host.url.replace("http://", "http://ada:hunter2@"))
    assert photree(host, "upgrade") == 0
    assert host.versions[0] == THREE


def test_nothing_new_exits_with_77_where_that_is_asked_for(
    host: TestHost, capsys: pytest.CaptureFixture[str]
) -> None:
    assert photree(host, "upgrade") == 0
    capsys.readouterr()
    assert photree(host, "upgrade", "--check") == 77
    assert capsys.readouterr().out == "No updates available.\n"
    assert photree(host, "upgrade") == 0
    assert capsys.readouterr().out == "No upgrade available.\n"
    assert photree(host, "upgrade", "--unchanged-exit-77") == 77


def test_check_does_not_reboot(host: TestHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert photree(host, "upgrade", "--check", "--reboot") == 1
    assert "--check and --preview change nothing." in capsys.readouterr().err


def test_rollback_deploy_and_undeploy(host: TestHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert photree(host, "rollback") == 0
    assert "to be first deployment" in capsys.readouterr().out
    assert photree(host, "deploy", THREE) == 0
    assert host.versions == [THREE, ONE]
    assert photree(host, "undeploy", "1") == 0
    assert host.versions == [THREE]
    assert photree(host, "undeploy", "7") == 1
    assert "There is no deployment 7." in capsys.readouterr().err


def test_rebase_by_options_or_refspec_but_not_both(
    host: TestHost, capsys: pytest.CaptureFixture[str]
) -> None:
    host.publish("6.0_minimal", ref="photon/6.0/x86_64/minimal")
    assert photree(host, "rebase", "--branch=photon/6.0/x86_64/minimal", f"photon:{REF}") == 1
    assert "Name what to follow, once." in capsys.readouterr().err
    assert photree(host, "rebase", "--branch=photon/6.0/x86_64/minimal") == 0
    assert host.deployments[0].origin.refspec == "photon:photon/6.0/x86_64/minimal"


def test_kernel_arguments_are_shown_and_edited(
    host: TestHost,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert photree(host, "kargs") == 0
    assert capsys.readouterr().out.startswith("root=UUID=1 quiet ostree=/ostree/boot.")
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/^quiet$/loud/' \"$1\"\n")
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VISUAL", str(editor))
    assert photree(host, "kargs", "--editor") == 0
    assert "Kernel arguments updated." in capsys.readouterr().out
    assert host.deployments[0].kernel_arguments[:2] == ("root=UUID=1", "loud")
    monkeypatch.setenv("VISUAL", "true")
    assert photree(host, "kargs", "--editor", "--unchanged-exit-77") == 77
    monkeypatch.setenv("VISUAL", "false")
    assert photree(host, "kargs", "--editor") == 1
    assert "nothing was changed" in capsys.readouterr().err


def test_initramfs_and_reset_say_what_there_is(
    host: TestHost, capsys: pytest.CaptureFixture[str]
) -> None:
    assert photree(host, "initramfs") == 0
    assert capsys.readouterr().out == "Initramfs regeneration: disabled\n"
    assert photree(host, "initramfs", "--disable", "--unchanged-exit-77") == 77
    assert photree(host, "reset", "--unchanged-exit-77") == 77


def test_events_are_lines_of_json_for_programs(
    host: TestHost, capsys: pytest.CaptureFixture[str]
) -> None:
    assert photree(host, "upgrade", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"StepStarted", "Progress", "JobFinished"} <= {line.get("event") for line in lines}
    assert lines[-1]["result"]["deployment"] == host.deployments[0].id


def test_a_verb_that_needs_a_running_machine_says_so(
    host: TestHost, capsys: pytest.CaptureFixture[str]
) -> None:
    assert photree(host, "usroverlay") == 1
    assert "is not booted, so there is no /usr to unlock" in capsys.readouterr().err
    assert photree(host, "finalize-deployment") == 1
    assert "Name the commit" in capsys.readouterr().err
    assert photree(host, "finalize-deployment", "--allow-missing-checksum") == 1
    assert "No deployment is staged" in capsys.readouterr().err


def test_jobs_leave_no_process_and_no_lock(host: TestHost) -> None:
    photree(host, "rollback")
    folder = host.path / "ostree/deploy/photon/var/lib/photree/jobs"
    (job,) = [path for path in folder.iterdir() if path.is_dir()]
    assert stat.S_IMODE(job.stat().st_mode) == 0o700
    assert json.loads((job / "result.json").read_text())["ok"]
