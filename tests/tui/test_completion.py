"""What shells complete: from the parsers, from files, and in the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.origin import Origin
from engine.remotes import RemoteConfig, add_remote
from engine.sysroot import Deployment
from engine.transactions.upgrade import Upgrade
from tests import rpms
from tests.engine.transactions.conftest import TestHost
from tests.engine.trees import REF
from tui.cli import VERBS, main
from tui.completion import candidates

BIN = Path(sys.executable).parent


def words(*line: str) -> list[str]:
    return [word for word, _meaning in candidates(line)]


def test_verbs_come_with_their_summaries() -> None:
    found = dict(candidates([""]))
    assert set(found) == {verb[0] for verb in VERBS}
    assert found["status"] == VERBS["status",][1]
    assert words("roll") == ["rollback"]


def test_verbs_of_two_words_come_one_by_one() -> None:
    assert words("compose", "") == ["tree"]
    assert words("compose", "t") == ["tree"]
    assert words("compose", "x") == []
    assert words("nothing", "") == []
    assert words("--v") == ["--version"]


def test_options_are_those_of_the_parser_and_come_once() -> None:
    found = words("rollback", "--")
    assert {"--reboot", "--sysroot", "--json", "--help"} <= set(found)
    assert "--reboot" not in words("rollback", "-r", "--")
    assert "--append" in words("kargs", "--append=a", "--")
    assert words("history", "--li") == ["--limit"]


def test_where_no_word_is_expected_options_are_offered() -> None:
    assert "--reboot" in words("rollback", "")


def test_choices_are_values() -> None:
    assert words("completion", "") == ["bash", "zsh", "fish"]
    assert words("completion", "z") == ["zsh"]


def test_what_an_option_means_is_on_one_line() -> None:
    for verb in VERBS:
        for word, meaning in candidates([*verb, "--"]):
            assert word.startswith("--")
            assert meaning
            assert "%(" not in meaning


def test_refs_remotes_indices_and_stateroots_are_those_of_the_system(host: TestHost) -> None:
    add_remote(host.repo, RemoteConfig("second", "http://example.com/repo", gpg_verify=False))
    host.repo.set_ref("mine/5.0", next(iter(host.commits.values())))
    sysroot = f"--sysroot={host.path}"
    assert words("rebase", sysroot, "") == ["mine/5.0", f"photon:{REF}"]
    assert words("rebase", "--sysroot", str(host.path), "photon:") == [f"photon:{REF}"]
    assert words("rebase", sysroot, "--remote", "") == ["photon", "second"]
    assert words("rebase", sysroot, "--remote=s") == ["--remote=second"]
    indices = [str(each.index) for each in host.deployments]
    assert len(indices) == 2
    assert words("undeploy", sysroot, "") == indices
    assert words("pin", sysroot, "0", "") == indices
    assert words("kargs", sysroot, "--deploy-index", "") == indices
    assert words("rollback", sysroot, "--stateroot", "") == ["photon"]
    assert words("undeploy", sysroot, "0", "") != indices  # it takes one


def test_packages_are_those_of_what_boots_next(host: TestHost) -> None:
    sysroot = f"--sysroot={host.path}"
    assert words("uninstall", sysroot, "") == []
    assert words("override", "remove", sysroot, "") == []
    first, second = host.deployments
    change_origin(
        first,
        first.origin.with_packages(["tmux", "/usr/bin/strace"])
        .with_local_packages([f"{'a' * 64}:my-agent-1.2-3.ph5.x86_64"])
        .with_removals(["nano"])
        .with_local_replacements([f"{'b' * 64}:vim-tiny-9-1.x86_64"])
        .with_replacements(["repo=updates,sed,grep"]),
    )
    change_origin(second, second.origin.with_packages(["former"]))
    install_database(first.path, "vim-tiny", "nano", "glibc")
    assert words("uninstall", sysroot, "") == ["/usr/bin/strace", "my-agent", "tmux"]
    assert words("install", sysroot, "--uninstall", "t") == ["tmux"]
    assert words("override", "reset", sysroot, "") == ["grep", "nano", "sed", "vim-tiny"]
    assert words("override", "remove", sysroot, "") == ["glibc", "nano", "vim-tiny"]
    assert words("override", "remove", sysroot, "nano", "v") == ["vim-tiny"]
    assert words("override", "replace", sysroot, "--remove=n") == ["--remove=nano"]
    database = first.path / "usr/share/rpm"
    assert [each.name for each in database.iterdir()] == ["rpmdb.sqlite"]


def test_packages_are_those_of_what_is_staged(host: TestHost) -> None:
    host.run_booted(Upgrade, host.deployments[0])
    known = {each.path for each in host.deployments}
    made = {each.with_suffix("") for each in host.path.glob("ostree/deploy/*/deploy/*.origin")}
    (staged,) = made - known
    origin = Path(f"{staged}.origin")
    origin.write_text(f"{origin.read_text()}\n[packages]\nrequested=pending;\n")
    assert words("uninstall", f"--sysroot={host.path}", "") == ["pending"]


def test_a_database_that_is_none_has_no_names(host: TestHost) -> None:
    folder = host.deployments[0].path / "usr/share/rpm"
    folder.mkdir(parents=True)
    (folder / "rpmdb.sqlite").write_text("nothing of the kind")
    assert words("override", "remove", f"--sysroot={host.path}", "") == []


def change_origin(deployment: Deployment, origin: Origin) -> None:
    Path(f"{deployment.path}.origin").write_text(str(origin))


def install_database(root: Path, *names: str) -> None:
    """An rpm database that librpm itself made, with the packages, in a tree."""
    folder = root / "usr/share/rpm"
    folder.mkdir(parents=True)
    built = [rpms.build(rpms.Package(name), root.parent / "built") for name in names]
    command = ["rpm", "--dbpath", folder, "--justdb", "--nodeps", "--noscripts", "-i", *built]
    subprocess.run(command, check=True, capture_output=True)
    for name in ("rpmdb.sqlite-wal", "rpmdb.sqlite-shm", ".rpm.lock"):
        (folder / name).unlink(missing_ok=True)


def test_a_system_that_is_none_has_no_values(tmp_path: Path) -> None:
    assert words("undeploy", f"--sysroot={tmp_path}", "") == []
    assert words("rebase", f"--sysroot={tmp_path}", "") == []
    assert words("uninstall", f"--sysroot={tmp_path}", "") == []
    assert words("override", "remove", f"--sysroot={tmp_path}", "") == []


def test_nothing_is_written(host: TestHost) -> None:
    def state() -> dict[str, tuple[int, int]]:
        found = {}
        for folder, _folders, files in os.walk(host.path):
            for name in ("", *files):
                status = (Path(folder) / name).lstat()
                found[f"{folder}/{name}"] = status.st_mtime_ns, status.st_ctime_ns
        return found

    before = state()
    words("rebase", f"--sysroot={host.path}", "")
    words("undeploy", f"--sysroot={host.path}", "")
    words("uninstall", f"--sysroot={host.path}", "")
    assert state() == before


def test_the_verbs_of_transactions_complete_without_loading_libraries() -> None:
    """libostree, libsolv and the like take longer than a key press."""
    verbs = ("upgrade", "rollback", "deploy", "rebase", "undeploy", "pin", "kargs", "history")
    verbs += ("install", "uninstall", "override remove", "override replace", "override reset")
    program = (
        "import sys\nfrom tui.completion import candidates\n"
        f"for verb in {verbs!r}:\n    assert candidates([*verb.split(), '-'])\n"
        "print({'gi', 'pydantic', 'requests', 'solv', 'rpm'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout == "set()\n", done.stderr


def shell(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str], program: str, before: str = ""
) -> list[str]:
    """The lines that a program prints once the completion script was read; before: what the shell
    would have set up by then."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    assert main(["completion", name]) == 0
    script = folder / name
    script.write_text(capsys.readouterr().out)
    done = subprocess.run(
        [name, "-c", f"{before}\nsource {script}\n{program}"],
        capture_output=True,
        text=True,
        env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder)},
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("photree com", ["completion", "compose"]),
        ("photree completion ", ["bash", "zsh", "fish"]),
        ("photree history --js", ["--json"]),
        # bash has split the word at ":" and "=" and only replaces what comes after them
        ("photree rebase --sysroot=SYSTEM photon:phot", [REF]),
        ("photree rebase --sysroot=SYSTEM --remote=p", ["photon"]),
        ("photree nothing ", []),
    ],
)
def test_bash_completes(
    host: TestHost,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    line: str,
    expected: list[str],
) -> None:
    line = line.replace("SYSTEM", str(host.path))
    program = f"COMP_LINE='{line}' COMP_POINT={len(line)}; _photree\n"
    found = shell("bash", tmp_path, capsys, program + 'printf "%s\\n" "${COMPREPLY[@]}"')
    assert sorted(filter(None, found)) == sorted(expected)


def test_zsh_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = """
compadd() { print -rl -- $values $shown }
words=(photree completion z) CURRENT=3 PREFIX=z; _photree
words=(photree history "") CURRENT=2 PREFIX=cance; _photree
"""
    found = shell("zsh", tmp_path, capsys, program, before="compdef() { }")
    assert found == ["zsh", "zsh", "cancel", "cancel  -- Cancel the active transaction"]


def test_fish_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = "complete -C 'photree completion '; complete -C 'photree canc'"
    found = shell("fish", tmp_path, capsys, program)
    assert found == ["bash", "fish", "zsh", "cancel\tCancel the active transaction"]


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["completion", "tcsh"])
    assert caught.value.code == 2
    assert "tcsh" in capsys.readouterr().err


def test_the_command_answers_what_the_scripts_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["__complete", "completion", "b"]) == 0
    assert capsys.readouterr().out == "bash\n"
    assert main(["__complete", "canc"]) == 0
    assert capsys.readouterr().out == "cancel\tCancel the active transaction\n"
