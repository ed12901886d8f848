"""How jobs are started where systemd runs, and what the journal gets."""

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.command import Output
from engine.jobs.journal import ERROR, Journal
from engine.jobs.launcher import Launcher

SOURCE = Path(__file__).parents[3]


class Recorded:
    """Writes down what would be run."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []

    def run(self, argv: Sequence[str], **_options: object) -> Output:
        self.ran.append(list(argv))
        return Output("", "")


def test_where_systemd_runs_a_job_is_a_unit_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://ada:hunter2@proxy/")  # everybody may look at units
    commands = Recorded()
    launcher = Launcher(("python", "-m", "runner"), commands, systemd=tmp_path)
    launcher.launch(Path("/jobs/.new-000001-20260101T000000Z"), "install vim")
    assert commands.ran == [
        [
            "systemd-run",
            "--unit=photree-job-000001-20260101T000000Z",
            "--description=photree: install vim",
            "--collect",
            "--quiet",
            "--service-type=forking",
            "--property=KillMode=mixed",
            "--setenv=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "--setenv=LC_ALL=C.UTF-8",
            "--setenv=HOME=/root",
            "--setenv=TERM=dumb",
            f"--setenv=PYTHONPATH={SOURCE}",
            "--",
            "python",
            "-m",
            "runner",
            "/jobs/.new-000001-20260101T000000Z",
        ]
    ]


def test_the_journal_gets_one_line_a_message(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        Journal(path).log("Txn x failed:\nit broke", ERROR)
        message = receiver.recv(4096).decode()
    assert message == "MESSAGE=Txn x failed: it broke\nPRIORITY=3\nSYSLOG_IDENTIFIER=photree\n"


def test_without_a_journal_nothing_happens(tmp_path: Path) -> None:
    Journal(tmp_path / "nowhere").log("unheard")
