"""The command itself: its options, exit codes and messages."""

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installer.fake_tree import REF
from tests.nginx import closed_port

MACHINES = Path(__file__).parent / "machines"
COMMAND = [sys.executable, "-m", "tui.installer_cli"]


def run(*arguments, **options):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
        **options,
    )


def write_kickstart(folder, tree, **keys):
    """A kickstart for an image in folder, with more keys or others."""
    kickstart = {
        "hostname": "photon-host-cus1",
        "ostree": {"repo_url": tree.repo.as_uri(), "repo_ref": REF, "gpg_verify": False},
        "disks": {"default": {"filename": str(folder / "disk.img"), "size": 2048}},
        "password": {"text": "hunter2hunter2", "crypted": False},
    }
    file = folder / "ks.json"
    file.write_text(json.dumps({**kickstart, **keys}))
    return file


def test_an_unknown_option_is_a_usage_error():
    assert run("--kickstrat", "x").returncode == 2


def test_help_names_every_option():
    done = run("--help")
    assert done.returncode == 0
    for option in ("--kickstart", "--dry-run", "--json", "--media", "--yes", "--log", "--attach"):
        assert option in done.stdout


def test_a_missing_kickstart_is_named(tmp_path):
    done = run("--kickstart", tmp_path / "no.yaml", "--dry-run")
    assert done.returncode == 1
    assert "no.yaml: cannot be read: No such file or directory" in done.stderr


def test_check_of_a_good_kickstart(tmp_path, tree):
    done = run("check", write_kickstart(tmp_path, tree))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == f"{tmp_path}/ks.json: good"


def test_check_reports_every_problem_and_exits_with_one(tmp_path, tree):
    file = write_kickstart(tmp_path, tree, hostname="bad name", colour="red")
    done = run("check", file)
    assert done.returncode == 1
    assert done.stdout.count("error: ") == 2
    assert done.stdout.splitlines()[-1] == f"{file}: 2 problems"


def test_check_as_json(tmp_path, tree):
    done = run("check", "--json", write_kickstart(tmp_path, tree, colour="red"))
    document = json.loads(done.stdout)
    assert not document["ok"]
    (problem,) = document["problems"]
    assert "colour" in problem["message"]
    assert problem["where"].startswith(f"{tmp_path}/ks.json:1:")


def test_a_dry_run_needs_no_root_and_writes_nothing(tmp_path, tree):
    file = write_kickstart(tmp_path, tree)
    for path in (tmp_path, *tmp_path.parents, tree.repo, *tree.repo.parents):
        if path.owner() == "root" and str(path).startswith("/tmp/"):
            path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o055)
    done = run("--kickstart", file, "--dry-run", user=65534, group=65534, extra_groups=[])
    assert done.returncode == 0, done.stderr
    assert "partition table on /dev/loop" in done.stdout
    assert done.stdout.endswith("This was a dry run: nothing was done.\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ks.json"]


def test_a_dry_run_as_json_is_a_stream_of_events(tmp_path, tree):
    done = run("--kickstart", write_kickstart(tmp_path, tree), "--dry-run", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "JobFinished"
    assert events[-1]["ok"]
    assert any(e["event"] == "LogLine" and e["text"].startswith("$ partx") for e in events)


def test_a_dry_run_for_another_machine_takes_its_recorded_facts(tmp_path, tree):
    disks = {"default": {"device": "/dev/disk/by-id/nvme-Fast_N7"}}
    file = write_kickstart(tmp_path, tree, disks=disks)
    done = run("--kickstart", file, "--dry-run", "--machine", MACHINES / "busy.json")
    assert done.returncode == 0, done.stderr
    assert "wipefs --all /dev/nvme0n1p1 /dev/nvme0n1" in done.stdout
    assert run("--kickstart", file, "--machine", MACHINES / "busy.json").returncode == 2


def test_facts_that_are_none_are_named(tmp_path, tree):
    file = write_kickstart(tmp_path, tree)
    done = run("--kickstart", file, "--dry-run", "--machine", file)
    assert done.returncode == 1
    assert "ks.json: is not what `photree-installer facts` writes" in done.stderr


def test_facts_of_this_machine_can_be_taken_along(tmp_path, tree):
    facts = tmp_path / "facts.json"
    facts.write_text(run("facts").stdout)
    done = run("--kickstart", write_kickstart(tmp_path, tree), "--dry-run", "--machine", facts)
    assert done.returncode == 0, done.stderr


def test_no_output_shows_the_password(tmp_path, tree):
    done = run("--kickstart", write_kickstart(tmp_path, tree), "--dry-run")
    assert "hunter2" not in done.stdout + done.stderr
    assert "$6$" not in done.stdout + done.stderr


def test_without_root_an_installation_is_refused(tmp_path, tree):
    file = write_kickstart(tmp_path, tree)
    done = run("--kickstart", file, user=65534, group=65534, extra_groups=[])
    assert done.returncode == 1
    assert "error: Installing needs root." in done.stderr


def test_a_disk_that_is_not_there_is_refused_and_nothing_begins(tmp_path, tree):
    disks = {"default": {"device": "/dev/no-such-disk"}}
    file = write_kickstart(tmp_path, tree, disks=disks)
    done = run("--kickstart", file, "--log", tmp_path / "log")
    assert done.returncode == 1
    assert "/dev/no-such-disk: there is no such disk" in done.stderr
    assert "Partition" not in done.stderr


@pytest.mark.root
def test_a_server_that_does_not_answer_is_found_before_anything_is_written(tmp_path, tree):
    source = {"repo_url": f"http://127.0.0.1:{closed_port()}/repo", "repo_ref": REF}
    file = write_kickstart(tmp_path, tree, ostree={**source, "gpg_verify": False})
    done = run("--kickstart", str(file), "--log", str(tmp_path / "log"))
    assert done.returncode == 1
    assert "refused the connection" in done.stderr
    assert not list(tmp_path.glob("*.img*"))


def test_a_failure_before_the_job_is_json_too(tmp_path, tree):
    done = run("--kickstart", write_kickstart(tmp_path, tree, colour="red"), "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["JobFinished"]
    assert not events[0]["ok"]
    assert "colour" in events[0]["message"]


@pytest.mark.root
@pytest.mark.parametrize("answer", ["no\n", "\n", "/dev/other\n"])
def test_only_a_yes_at_a_terminal_lets_a_disk_be_wiped(tmp_path, tree, empty_disk, answer):
    file = write_kickstart(tmp_path, tree, disks={"default": {"device": empty_disk}})
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "--kickstart", str(file), "--log", str(tmp_path / "log")],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        text = read_until(ours, "to go on: ")
        assert f"{empty_disk}: everything (2048 MiB)" in text
        os.write(ours, answer.encode())
        text = read_until(ours, None)
    os.close(ours)
    assert process.returncode == 130
    assert "Nothing was written." in text


def read_until(terminal, expected):
    """The terminal's output up to expected, or to its end."""
    text = ""
    while expected is None or expected not in text:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        if not chunk:
            break
        text += chunk.decode()
    return text


def test_the_module_runs_from_anywhere(tmp_path):
    done = run("--version", cwd=tmp_path)
    assert done.stdout.startswith("photree ")
    assert Path.cwd() != tmp_path
