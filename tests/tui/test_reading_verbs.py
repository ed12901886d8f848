"""The verbs that show what is there and what differs, as a user types them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.origin import Origin
from engine.ostree import GLib
from engine.packages.base_database import BaseDatabase
from engine.pull import pull
from engine.remotes import RemoteConfig, add_remote
from engine.repo import Repo
from engine.sysroot import Sysroot
from tests.engine.differences.conftest import CommitPackages, commit_packages, rpm_cache
from tests.engine.trees import ostree, run_python_booted
from tests.rpms import Package
from tui.cli import main

__all__ = ["commit_packages", "rpm_cache"]
FIRST = "* Mon Jan 05 2026 Jo <jo@example.com> 1.0-1\n- The first one"
SECOND = "* Tue Feb 03 2026 Jo <jo@example.com> 2.0-1\n- Faster\n- Smaller"
OLD = (
    Package("tool", scripts={"%changelog": FIRST}),
    Package("gone"),
    Package("linux", version="6.1"),
)
NEW = (
    Package("tool", version="2.0", scripts={"%changelog": f"{SECOND}\n\n{FIRST}"}),
    Package("come"),
    Package("linux", version="6.0"),
)
DIFFERENCES = """\
Upgraded:
  tool 1.0-1.ph5 -> 2.0-1.ph5
Downgraded:
  linux 6.1-1.ph5 -> 6.0-1.ph5
Removed:
  gone-1.0-1.ph5.x86_64
Added:
  come-1.0-1.ph5.x86_64
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.create(tmp_path / "repo", "archive")


@pytest.fixture
def commits(commit_packages: CommitPackages) -> list[str]:
    """Of the ref "tree", oldest first."""
    return [commit_packages(packages) for packages in (OLD, NEW)]


@pytest.fixture
def deployed(system: Path, repo: Repo, commits: list[str]) -> Iterator[Path]:
    """The system root with both, the new one first."""
    (system / "boot/grub/grub.cfg").unlink(missing_ok=True)  # these trees have no programs
    target = Repo.open(system / "ostree/repo")
    config = RemoteConfig("photon", f"file://{repo.path}", gpg_verify=False)
    add_remote(target, config, replace=True)
    for commit in commits:
        pull(target, "photon", "tree", commit=commit)
        sysroot = Sysroot.load(system)
        merge = sysroot.deployments[0] if sysroot.deployments else None
        sysroot.deploy("photon", commit, Origin.for_refspec("photon:tree"), [], merge=merge)
    yield system


def output(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(words) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_db_diff_has_rpm_ostrees_text(
    deployed: Path, commits: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert output(capsys, "db", "diff", f"--sysroot={deployed}") == (
        f"ostree diff commit from: rollback deployment ({commits[0]})\n"
        f"ostree diff commit to:   first deployment ({commits[1]})\n" + DIFFERENCES
    )
    one = output(capsys, "db", "diff", f"--sysroot={deployed}", commits[0])
    assert one.splitlines()[1] == f"ostree diff commit to:   {commits[0]}"
    assert "  tool 2.0-1.ph5 -> 1.0-1.ph5" in one


def test_db_diff_of_a_repository_compares_with_the_parent(
    repo: Repo, commits: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = output(capsys, "db", "diff", f"--repo={repo.path}", "--format=diff", "tree")
    assert text.splitlines() == [
        f"ostree diff commit from: tree^ ({commits[0]})",
        f"ostree diff commit to:   tree ({commits[1]})",
        "+come-1.0-1.ph5.x86_64",
        "-gone-1.0-1.ph5.x86_64",
        "!linux-6.1-1.ph5.x86_64",
        "=linux-6.0-1.ph5.x86_64",
        "!tool-1.0-1.ph5.x86_64",
        "=tool-2.0-1.ph5.x86_64",
    ]
    error = output(capsys, "db", "diff", f"--repo={repo.path}", code=1)
    assert "no deployments to compare" in error


def test_db_diff_with_changelogs(
    repo: Repo, commits: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = output(capsys, "db", "diff", "-r", str(repo.path), "--changelogs", *commits)
    assert "\n".join(text.splitlines()[2:8]) == (
        "Upgraded:\n"
        "  tool 1.0-1.ph5.x86_64 -> 2.0-1.ph5.x86_64\n"
        "    * Tue Feb 03 2026 Jo <jo@example.com> 2.0-1\n"
        "    - Faster\n"
        "    - Smaller\n"
    )
    assert "The first one" not in text
    assert text.endswith(DIFFERENCES.partition("\n  tool")[2].partition("\n")[2])


def test_db_diff_in_json_has_rpm_ostrees_keys(
    repo: Repo, commits: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["db", "diff", "-r", str(repo.path), "--json", "--changelogs", *commits]
    document = json.loads(output(capsys, *words))
    assert (document["ostree-commit-from"], document["ostree-commit-to"]) == tuple(commits)
    assert document["pkgdiff"][0] == [
        "come",
        0,
        {"NewPackage": ["come", "1.0-1.ph5", "x86_64"]},
    ]
    assert [(name, kind) for name, kind, _ in document["pkgdiff"]] == [
        ("come", 0),
        ("gone", 1),
        ("tool", 2),
        ("linux", 3),
    ]
    (entry,) = document["changelogs"]["tool-2.0-1.ph5.x86_64"]
    assert entry["text"] == "- Faster\n- Smaller"


def test_db_diff_of_what_was_layered_or_of_its_base(
    deployed: Path, commits: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    repo = Repo.open(deployed / "ostree/repo")
    metadata = {
        "rpmostree.clientlayer": GLib.Variant("b", True),
        "rpmostree.rpmdb.pkglist": GLib.Variant("a(sssss)", [("x", "0", "1", "1", "noarch")]),
    }
    with repo.transaction():
        _ok, root, _commit = repo.native.read_commit(commits[1], None)
        _ok, layered = repo.native.write_commit(
            commits[1], None, None, GLib.Variant("a{sv}", metadata), root, None
        )
    sysroot = Sysroot.load(deployed)
    origin = Origin.for_refspec("photon:tree").with_packages(["x"])
    sysroot.deploy("photon", layered, origin, [], merge=sysroot.deployments[0])
    words = ("db", "diff", f"--sysroot={deployed}", "booted", commits[1])
    assert "Removed:\n  x-1-1.noarch\n" in output(capsys, *words)
    assert output(capsys, *words, "--base").count("\n") == 2


def test_db_list_lists_what_fits_the_patterns(
    deployed: Path, repo: Repo, commits: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert output(capsys, "db", "list", f"--sysroot={deployed}", "rollback", "TOOL", "g*") == (
        f"ostree commit: rollback ({commits[0]})\n gone-1.0-1.ph5.x86_64\n tool-1.0-1.ph5.x86_64\n"
    )
    everything = output(capsys, "db", "list", f"--sysroot={deployed}")
    assert everything.splitlines()[1:] == [
        f" {name}.ph5.x86_64" for name in ("come-1.0-1", "linux-6.0-1", "tool-2.0-1")
    ]
    words = ["db", "list", f"--repo={repo.path}", "--json", *commits, "linux.x86_64"]
    document = json.loads(output(capsys, *words))
    assert [each["commit"] for each in document] == commits
    assert [each["packages"][0]["version"] for each in document] == ["6.1", "6.0"]


def test_db_list_and_rpm_agree(
    repo: Repo, commits: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = BaseDatabase.of(repo, commits[0], tmp_path / "database")
    listed = output(capsys, "db", "list", f"--repo={repo.path}", commits[0]).splitlines()[1:]
    assert sorted(listed) == sorted(f" {package.nevra}" for package in database.packages)


def test_diff_prints_what_ostree_prints(
    repo: Repo, commits: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = output(capsys, "diff", f"--repo={repo.path}", "tree")
    assert text.strip() == ostree("diff", f"--repo={repo.path}", "tree")
    assert text.startswith("M    /usr/share/rpm/rpmdb.sqlite")


def test_diff_tells_sizes_and_modes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo = tmp_path / "repo"
    ostree("init", f"--repo={repo}", "--mode=archive")
    tree = tmp_path / "tree"
    (tree / "gone").mkdir(parents=True)
    (tree / "gone/a").write_text("12345")
    (tree / "gone/a").chmod(0o644)
    (tree / "gone").chmod(0o755)
    (tree / "kept").write_text("1")
    (tree / "kept").chmod(0o644)
    (tree / "link").symlink_to("kept")
    owner = ("--owner-uid=0", "--owner-gid=0", "--branch=b")
    ostree("commit", f"--repo={repo}", *owner, f"--tree=dir={tree}")
    shutil.rmtree(tree / "gone")
    (tree / "kept").chmod(0o755)
    (tree / "kept").write_text("1234")
    (tree / "link").unlink()
    (tree / "link").symlink_to("nowhere")
    ostree("commit", f"--repo={repo}", *owner, f"--tree=dir={tree}")
    assert output(capsys, "diff", f"--repo={repo}", "--stats", "b").splitlines() == [
        "M    /kept  file, 0644 -> 0755, 0:0, 1 B -> 4 B",
        "M    /link  link, 0777, 0:0, to kept -> to nowhere",
        "D    /gone  directory, 0755, 0:0",
        "D    /gone/a  file, 0644, 0:0, 5 B",
        "2 modified, 2 removed, 0 added; -2 B of files",
    ]
    document = json.loads(output(capsys, "diff", f"--repo={repo}", "--json", "b^", "b"))
    assert document["changes"][0]["old"]["mode"] == 0o644
    assert document["changes"][-1]["new"] is None


def test_config_diff_prints_what_ostree_prints_and_conflicts(
    deployed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    etc = Sysroot.load(deployed).deployments[0].path / "etc"
    (etc / "hostname").write_text("mine\n")
    (etc / "mine").write_text("")
    text = output(capsys, "config-diff", f"--sysroot={deployed}")
    told = ostree("admin", "config-diff", f"--sysroot={deployed}", "--os=photon")
    assert text.strip() == told == "M    hostname\nA    mine"
    words = ("config-diff", f"--sysroot={deployed}", "--against=rollback", "--json")
    document = json.loads(output(capsys, *words))
    assert document["conflicts"] == []
    assert [each["path"] for each in document["changes"]] == ["hostname", "mine"]


def test_log_shows_what_is_followed(
    deployed: Path, commits: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = output(capsys, "log", f"--sysroot={deployed}")
    assert text.splitlines()[0] == f"commit {commits[1]}"
    assert "\nPackages: 1 upgraded, 1 downgraded, 1 removed, 1 added\n" in text
    assert f"\ncommit {commits[0]}\n" in text


def test_all_of_it_works_for_users_on_a_running_machine(deployed: Path, commits: list[str]) -> None:
    running = Sysroot.load(deployed).deployments[1]
    for words, expected in {
        ("db", "diff"): f"to:   pending deployment ({commits[1]})",
        ("db", "list", "booted", "gone"): " gone-1.0-1.ph5.x86_64",
        ("diff", "booted", "pending"): "M    /usr/share/rpm/rpmdb.sqlite",
        ("config-diff",): "",
        ("log",): f"commit {commits[1]}",
        ("remote", "list", "-u"): "photon  file://",
    }.items():
        done = run_python_booted(deployed, running.path, "-m", "tui.cli", *words, uid=1000)
        assert (done.returncode, done.stderr) == (0, ""), words
        assert expected in done.stdout


def test_mistakes_are_one_sentence_and_a_hint(
    deployed: Path, repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    system = f"--sysroot={deployed}"
    for words, says in {
        ("diff", system, "none"): "no ref or commit 'none'",
        ("db", "diff", system, "none", "booted"): "no ref or commit 'none'",
        ("log", system, "pending"): "no pending deployment",
        ("log", f"--repo={repo.path}"): "no booted deployment",
        ("db", "list", f"--repo={repo.path}", "x*"): "no booted deployment",
        ("config-diff", system, "--os=none"): "no deployment of the stateroot none",
        ("log", "--repo=/nonexistent", "x"): "it does not exist",
    }.items():
        text = output(capsys, *words, code=1)
        assert text.startswith("error: ")
        assert says in text
        assert "\nhint: " in text
