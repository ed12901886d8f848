"""The verbs that change packages, as a user types them."""

from pathlib import Path

import pytest

from tests.engine.transactions.test_packages import (
    EXTRA,
    NEWER_EDITOR,
    PackageHost,
    base_packages,
    builds,
    host,
)
from tests.rpms import Entry, Package
from tui.cli import main

__all__ = ["base_packages", "builds", "host"]


def photree(host: PackageHost, *words: str) -> int:
    return main([*words, f"--sysroot={host.path}"])


def test_a_replacement_from_a_repository_is_shown_by_status_and_reset(
    host: PackageHost, capsys: pytest.CaptureFixture[str]
) -> None:
    host.serve(NEWER_EDITOR, repo="testing")
    words = ("--experimental", "--from", "repo=testing", "editor")
    assert photree(host, "override", "replace", *words, "--dry-run") == 0
    assert "editor-1-1.ph5.x86_64 -> editor-2-1.ph5.x86_64" in capsys.readouterr().out
    assert photree(host, "override", "replace", *words) == 0
    assert "  editor 1-1.ph5 -> 2-1.ph5\n" in capsys.readouterr().out
    assert photree(host, "status") == 0
    shown = capsys.readouterr().out
    assert "RemoteOverrides: repo=testing\n" in shown
    assert "editor 1-1.ph5 -> 2-1.ph5\n" in shown
    assert photree(host, "override", "reset", "--all") == 0
    assert not host.deployments[0].origin.assembled


def test_several_changes_are_one_step(
    host: PackageHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert photree(host, "install", "tool") == 0
    (tmp_path / "own.rpm").write_bytes(host.built(EXTRA).read_bytes())
    monkeypatch.chdir(tmp_path)
    assert photree(host, "install", "own.rpm", "--uninstall=tool") == 0
    assert host.programs == {"extra", "editor"}
    assert len(host.deployments) == 2
    assert photree(host, "uninstall", "extra", "--install", "tool") == 0
    assert host.programs == {"tool", "editor"}
    (tmp_path / "own.rpm").write_bytes(host.built(NEWER_EDITOR).read_bytes())
    assert photree(host, "override", "remove", "sharer", "--replace=own.rpm") == 1
    assert photree(host, "override", "replace", "own.rpm", "--install=extra") == 0
    assert (host.deployments[0].path / "usr/bin/editor").read_text() == "2"
    assert host.programs == {"tool", "extra", "editor"}


def test_repositories_are_chosen_by_lists_of_ids(host: PackageHost) -> None:
    host.serve(Package("tool", {"/usr/bin/tool": Entry("new", 0o755)}, version="2"), repo="new")
    host.serve(Package("tool", version="3"), repo="third")
    assert photree(host, "install", "tool", "--disablerepo=updates,third") == 0
    assert (host.deployments[0].path / "usr/bin/tool").read_text() == "new"


def test_nothing_to_do_exits_with_77_where_that_is_asked_for(host: PackageHost) -> None:
    words = ("uninstall", "tool", "--idempotent")
    assert photree(host, *words) == 0
    assert photree(host, *words, "--unchanged-exit-77") == 77


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("testing", "'testing' is not in KIND=NAME format"),
        ("copr=testing", "invalid kind 'copr'"),
        ("repo=", "empty name"),
    ],
)
def test_a_source_of_another_kind_is_refused(
    capsys: pytest.CaptureFixture[str], source: str, reason: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["override", "replace", "--from", source, "editor"])
    assert caught.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("editor", "--all")])
def test_what_to_reset_is_said_in_one_way(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert main(["override", "reset", *words]) == 1
    assert "or use --all" in capsys.readouterr().err
