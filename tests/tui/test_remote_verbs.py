"""The verbs for remotes, as a user types them, and what ostree makes of the result."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.origin import Origin
from engine.pull import pull
from engine.repo import Repo
from engine.sysroot import Sysroot
from tests.engine.conftest import Published, keys, published, session_published
from tests.engine.trees import REF, ostree, run_booted, run_python_booted
from tests.gpg import GpgKey
from tests.nginx import WebServer, closed_port, nginx, self_signed
from tui.cli import main

__all__ = ["keys", "published", "session_published"]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return Repo.create(tmp_path / "repo", "bare").path


@pytest.fixture
def server(published: Published, tmp_path: Path) -> Iterator[WebServer]:
    with nginx(published.path, tmp_path / "nginx") as running:
        yield running


def output(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(words) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_a_remote_is_added_listed_and_deleted(
    repo: Path, keys: tuple[GpgKey, GpgKey], capsys: pytest.CaptureFixture[str]
) -> None:
    where = f"--repo={repo}"
    key = f"--gpg-import={keys[0].public}"
    text = output(capsys, "remote", "add", where, key, "photon", "https://h/repo")
    assert text == 'Imported 1 GPG key to remote "photon"\n'
    words = ("remote", "add", where, "--no-gpg-verify", "--set=proxy=http://p:3128", "lab")
    assert output(capsys, *words, "http://lab/repo") == ""
    assert output(capsys, "remote", "list", where) == "lab\nphoton\n"
    table = "lab     http://lab/repo\nphoton  https://h/repo\n"
    assert output(capsys, "remote", "list", "-u", where) == table
    assert ostree("remote", "list", "-u", where) == table.strip()
    assert output(capsys, "remote", "show-url", where, "lab") == "http://lab/repo\n"
    listed = json.loads(output(capsys, "remote", "list", "--json", where))
    assert [each["gpg-verify"] for each in listed] == [False, True]
    assert "proxy=http://p:3128" in (repo / "config").read_text()
    assert output(capsys, "remote", "delete", where, "lab") == ""
    assert ostree("remote", "list", where) == "photon"


def test_names_that_are_taken_or_missing(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = f"--repo={repo}"
    add = ("remote", "add", where, "--no-gpg-verify", "lab")
    output(capsys, *add, "http://one/")
    assert "exists already" in output(capsys, *add, "http://two/", code=1)
    output(capsys, *add, "http://two/", "--if-not-exists")
    assert output(capsys, "remote", "show-url", where, "lab") == "http://one/\n"
    output(capsys, *add, "http://two/", "--force")
    assert output(capsys, "remote", "show-url", where, "lab") == "http://two/\n"
    text = output(capsys, "remote", "delete", where, "none", code=1)
    assert "There is no remote 'none'." in text
    assert "lab" in text
    assert output(capsys, "remote", "delete", where, "none", "--if-exists") == ""
    with pytest.raises(SystemExit):
        main([*add, "http://two/", "--if-not-exists", "--force"])
    with pytest.raises(SystemExit):
        main([*add, "http://two/", "--set=nothing"])


def test_an_option_that_is_set_goes_before_ours(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("remote", "add", f"--repo={repo}", "--set=gpg-verify=false", "lab", "http://h/")
    output(capsys, *words)
    (listed,) = json.loads(output(capsys, "remote", "list", "--json", f"--repo={repo}"))
    assert listed["gpg-verify"] is False


def test_refs_are_listed_from_the_summary(
    repo: Path, server: WebServer, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    where = f"--repo={repo}"
    output(capsys, "remote", "add", where, "--no-gpg-verify", "photon", server.url)
    plain = output(capsys, "remote", "refs", where, "photon")
    assert plain == f"photon:{REF}\n"
    assert plain.strip() == ostree("remote", "refs", where, "photon")
    revisions = output(capsys, "remote", "refs", where, "-r", "photon")
    assert revisions == f"photon:{REF}\t{published.commit}\n"
    (line,) = output(capsys, "remote", "refs", where, "-v", "photon").splitlines()
    assert line.split()[0] == f"photon:{REF}"
    assert line.split()[-1] == published.commit
    document = json.loads(output(capsys, "remote", "refs", where, "--json", "photon"))
    assert document[REF]["commit"] == published.commit


def test_refs_over_tls_with_the_remotes_own_ca(
    repo: Path, published: Published, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate, key = self_signed(tmp_path)
    where = f"--repo={repo}"
    with nginx(published.path, tmp_path / "nginx", certificate=certificate, key=key) as server:
        options = (where, "--no-gpg-verify", f"--tls-ca={certificate}")
        output(capsys, "remote", "add", *options, "photon", server.url)
        assert output(capsys, "remote", "refs", where, "photon") == f"photon:{REF}\n"


def test_a_summary_that_must_be_signed_is_verified(
    repo: Path,
    server: WebServer,
    published: Published,
    keys: tuple[GpgKey, GpgKey],
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = f"--repo={repo}"
    options = (where, f"--gpg-import={keys[0].public}", "--set=gpg-verify-summary=true")
    output(capsys, "remote", "add", *options, "photon", server.url)
    assert "summary" in output(capsys, "remote", "refs", where, "photon", code=1)
    signing = (f"--gpg-homedir={keys[0].homedir}", f"--gpg-sign={keys[0].id}")
    ostree("summary", "-u", f"--repo={published.path}", *signing)
    assert output(capsys, "remote", "refs", where, "photon") == f"photon:{REF}\n"


def test_a_server_that_does_not_answer_has_its_sentence(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = f"--repo={repo}"
    url = f"http://127.0.0.1:{closed_port()}/repo"
    output(capsys, "remote", "add", where, "--no-gpg-verify", "off", url)
    assert "refused the connection" in output(capsys, "remote", "refs", where, "off", code=1)


@pytest.fixture
def deployed(system: Path, published: Published) -> Path:
    """A system root with one deployment."""
    (system / "boot/grub/grub.cfg").unlink(missing_ok=True)
    commit = pull(Repo.open(system / "ostree/repo"), "photon", REF, url=published.url)
    origin = Origin.for_refspec(f"photon:{REF}")
    Sysroot.load(system).deploy("photon", commit, origin, [])
    return system


def test_on_a_running_machine_remotes_are_files_in_etc_as_ostrees_own(
    deployed: Path, keys: tuple[GpgKey, GpgKey]
) -> None:
    root = Sysroot.load(deployed).deployments[0].path
    words = ("-m", "tui.cli", "remote")
    key = f"--gpg-import=/tmp/machine{keys[0].public}"
    done = run_python_booted(deployed, root, *words, "add", key, "lab", "http://lab/repo")
    assert (done.returncode, done.stderr) == (0, "")
    ours = (root / "etc/ostree/remotes.d/lab.conf").read_text()
    assert "url=http://lab/repo" in ours
    argv = ["/usr/bin/ostree", "remote", "list", "-u"]
    assert "lab     http://lab/repo" in run_booted(deployed, root, argv).stdout
    argv = ["/usr/bin/ostree", "remote", "add", "other", "http://other/repo"]
    assert run_booted(deployed, root, argv).returncode == 0
    assert (root / "etc/ostree/remotes.d/other.conf").exists()
    assert run_python_booted(deployed, root, *words, "delete", "other").returncode == 0
    assert not (root / "etc/ostree/remotes.d/other.conf").exists()
    listed = run_python_booted(deployed, root, *words, "list", uid=1000)
    assert listed.stdout.split() == ["lab", "photon"]


def test_users_cannot_change_remotes_and_are_told_so(deployed: Path) -> None:
    root = Sysroot.load(deployed).deployments[0].path
    words = ("-m", "tui.cli", "remote", "add", "lab", "http://lab/repo")
    done = run_python_booted(deployed, root, *words, uid=1000)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "root" in done.stderr
    assert "defect" not in done.stderr


def test_nothing_heavy_is_loaded_to_list_remotes(repo: Path) -> None:
    program = f"import sys; from tui.cli import main; main(['remote', 'list', '--repo={repo}'])"
    shown = "; print(*{'pydantic', 'textual', 'rich', 'rpm', 'yaml'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program + shown],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
