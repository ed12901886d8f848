"""`check`: the whole report, and the repository behind a custom host."""

import functools
import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import NetworkError, PlanError
from engine.events import discard
from installer.kickstart.check import CheckReport, check
from installer.kickstart.load import Loaded, plan_installation
from installer.plan import Source
from tests.installer.kickstarts import CUSTOM, document, make_repository

REF = "photon/5.0/x86_64/minimal"
GOOD = f"ostree: {{repo_url: 'https://a.org/repo', repo_ref: {REF}}}\ndisk: /dev/sda\n"


def report(path: Path, text: str, **options) -> CheckReport:
    path.write_text(text)
    values = {"arch": "x86_64", "online": False, "media": None, "commands": SystemCommands()}
    return check(str(path), emit=discard, cancel=CancelToken(), **{**values, **options})


def branches(*names: str):
    return lambda source: dict.fromkeys(names, "a" * 64)


def unreachable(source: Source):
    raise NetworkError("a.org does not answer.", hint="Check it.")


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "ks.yaml"


def test_a_good_kickstart_has_a_plan_and_warnings(file):
    found = report(file, GOOD)
    assert found.problems == ()
    assert "not verified by signature" in str(found.warnings[0])
    assert found.plan is not None
    assert found.plan.source.ref == REF


def test_mistakes_have_the_files_name_and_nothing_is_written(file):
    found = report(file, GOOD + "hostnam: a\npreinstall: touch written\n")
    assert [str(p) for p in found.problems] == [
        f'{file}:3:1: unknown key "hostnam" (did you mean "hostname"?)'
    ]
    assert found.plan is None
    assert [path.name for path in file.parent.iterdir()] == ["ks.yaml"]


@pytest.mark.parametrize("text", ["a: [", "", "{{ x }}", "ostreesetup --url=http://a --ref=b"])
def test_what_cannot_be_read_is_a_report_too(file, text):
    found = report(file, text)
    assert len(found.problems) == 1
    assert str(found.problems[0]).startswith(f"{file}:1:")


def test_a_file_that_is_not_there_is_a_report_too(tmp_path):
    values = {"arch": "x86_64", "online": False, "media": None, "commands": SystemCommands()}
    found = check(str(tmp_path / "x"), emit=discard, cancel=CancelToken(), **values)
    assert "No such file" in str(found.problems[0])


def test_without_the_media_a_default_host_is_good_as_far_as_can_be_told(file):
    text = "ostree: {default_repo: true}\ndisk: /dev/sda\n"
    found = report(file, text)
    assert (found.problems, found.plan) == ((), None)
    make_repository(file.parent / "media" / "repo", REF)
    found = report(file, text, media=file.parent / "media")
    assert found.plan is not None
    [problem] = report(file, text, media=file.parent).problems
    assert "no OSTree repository" in problem.message


def test_another_machines_architecture_is_fine(file):
    found = report(file, GOOD + "arch: aarch64\n")
    assert found.problems == ()


def test_online_the_branch_is_looked_for(file):
    assert report(file, GOOD, online=True, refs_of=branches(REF)).problems == ()
    found = report(file, GOOD, online=True, refs_of=branches("photon/5.0/x86_64/minimum"))
    assert [str(problem) for problem in found.problems] == [
        f'{file}:1:52: https://a.org/repo has no branch "{REF}" '
        '(did you mean "photon/5.0/x86_64/minimum"?)'
    ]
    [problem] = report(file, GOOD, online=True, refs_of=branches("x", "y")).problems
    assert problem.hint == "its branches are: x, y"


def test_online_a_repository_that_does_not_answer_is_named_with_its_place(file):
    [problem] = report(file, GOOD, online=True, refs_of=unreachable).problems
    assert str(problem) == (
        f"{file}:1:20: https://a.org/repo cannot be installed from: a.org does not answer. "
        "(Check it.)"
    )


def test_online_a_key_that_is_elsewhere_hides_nothing(file):
    text = GOOD.replace("repo_ref", "gpg_key: /media/k.asc, repo_ref")
    found = report(file, text, online=True, refs_of=unreachable)
    assert len(found.problems) == 1


def test_offline_nobody_is_asked(file):
    assert report(file, GOOD, refs_of=unreachable).problems == ()


def test_an_installation_asks_before_anything_is_written():
    loaded = Loaded(document({"ostree": CUSTOM}), None)
    with pytest.raises(PlanError) as caught:
        plan_installation(
            loaded,
            arch="x86_64",
            media=None,
            commands=SystemCommands(),
            emit=discard,
            refs_of=unreachable,
        )
    assert "does not answer" in str(caught.value.problems[0])


def test_a_repository_in_a_file_url_must_be_there(tmp_path):
    text = f"ostree: {{repo_url: 'file://{tmp_path}/a%20b', repo_ref: {REF}}}\ndisk: /dev/sda\n"
    make_repository(tmp_path / "a b", "other")
    [problem] = report(tmp_path / "k", text).problems
    assert f'no branch "{REF}"' in problem.message


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def published(tmp_path) -> Iterator[tuple[Path, str]]:
    """A real repository with one branch, and its URL."""
    repo, tree = tmp_path / "published", tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_text("x")
    ostree(repo, "init", "--mode=archive")
    ostree(repo, "commit", f"--branch={REF}", f"--tree=dir={tree}")
    handler = functools.partial(Quiet, directory=str(repo))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield repo, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def ostree(repo: Path, command: str, *arguments: str) -> None:
    subprocess.run(
        ["ostree", command, f"--repo={repo}", *arguments], check=True, capture_output=True
    )


@pytest.mark.parametrize("summary", [True, False])
def test_online_a_real_repository_is_asked(file, published, summary):
    repo, url = published
    if summary:
        ostree(repo, "summary", "-u")
    text = GOOD.replace("https://a.org/repo", url)
    assert report(file, text, online=True).problems == ()
    [problem] = report(file, text.replace("minimal", "base"), online=True).problems
    assert "photon/5.0/x86_64/base" in problem.message
    [problem] = report(file, text.replace(url, f"{url}/nothing"), online=True).problems
    assert "is not an OSTree repository" in problem.message
