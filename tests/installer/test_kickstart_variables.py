"""$VAR in values: from environment, from preinstall scripts, and what has none."""

import pytest

from engine.cancel import CancelToken
from engine.command import SystemCommands
from engine.errors import CommandError, PlanError
from engine.events import discard
from installer.kickstart.load import Loaded, load_kickstart, plan_installation
from installer.kickstart.pre import interpreter, run_preinstall
from installer.kickstart.variables import promised_names
from installer.plan import Script, Secret
from tests.installer.kickstarts import CUSTOM, HASH, document, outcome, planned, problems


def test_variables_are_replaced_in_values():
    plan = planned(
        {
            "disk": "$DISK",
            "hostname": "web-${N}",
            "kargs": ["a=$N$N", "price=$$5"],
            "ostree": {**CUSTOM, "repo_url": "https://${HOST}/repo"},
            "password": {"text": "$PASSWORD"},
        },
        variables={"DISK": "/dev/sdb", "N": "7", "HOST": "a.org", "PASSWORD": "123"},
    )
    assert str(plan.storage.disks[0].device) == "/dev/sdb"
    assert plan.host.hostname == "web-7"
    assert plan.host.kernel_arguments == ("a=77", "price=$5")
    assert plan.source.url == "https://a.org/repo"
    assert plan.host.root_password.hash == Secret("hash of 123")


def test_a_value_that_is_one_variable_may_be_a_number_or_a_boolean():
    partitions = [{"mountpoint": "/", "size": "$SIZE"}]
    plan = planned(
        {"partitions": partitions, "live": "${LIVE}"}, variables={"SIZE": "4096", "LIVE": "false"}
    )
    assert plan.storage.partitions[-1].size_mb == 4096
    assert plan.live is False


def test_environment_gives_variables():
    assert planned({"environment": {"NAME": "web"}, "hostname": "$NAME"}).host.hostname == "web"


def test_scripts_repositories_and_hashes_keep_their_dollars():
    plan = planned(
        {
            "postinstall": "echo $HOME ${X}",
            "repos": {"r": {"baseurl": "https://a/$releasever"}},
            "password": {"text": HASH, "crypted": True},
            "users": [{"name": "a", "password": {"text": "pa$word$$"}}],
        }
    )
    assert plan.scripts.post[0].text == "echo $HOME ${X}\n"
    assert dict(plan.host.repositories[0].options)["baseurl"] == "https://a/$releasever"
    assert plan.host.root_password.hash == Secret(HASH)
    assert plan.host.users[0].password.hash == Secret("hash of pa$word$$")


def test_a_password_that_looks_like_a_variable_can_be_written():
    plan = planned({"password": {"text": "$$HOME"}})
    assert plan.host.root_password.hash == Secret("hash of $HOME")


def test_a_variable_without_a_value_is_a_problem_at_its_place():
    [problem] = problems({"hostname": "$NAM"}, variables={"NAME": "x"})
    assert problem == 'k:6:11: the variable $NAM has no value (did you mean "NAME"?)'


def test_a_value_that_a_variable_gives_is_checked():
    [problem] = problems({"disk": "$DISK"}, variables={"DISK": "sda"})
    assert problem.endswith('must be a disk below /dev, not "sda" (write "/dev/sda")')


def test_before_preinstall_runs_what_it_exports_is_left_open():
    found = outcome(
        {"disk": "$DISK", "preinstall": ["export DISK=/dev/sda"], "hostname": "-"}, variables=None
    )
    assert [problem.where for problem in found.problems] == ["k:8:11"]
    assert found.deferred


def test_before_preinstall_runs_what_nothing_exports_is_a_problem():
    keys = {"disk": "$DISK", "preinstall": ["DISK=/dev/sda"]}
    [problem] = problems(keys, variables=None)
    assert "$DISK has no value" in problem


def test_a_script_that_is_not_on_this_machine_may_export_anything():
    keys = {"disk": "$DISK", "preinstallscripts": ["/mnt/find.sh"]}
    found = outcome(keys, variables=None, elsewhere=True)
    assert found.problems == ()
    assert found.plan is None


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("export A=1\nexport B", {"A", "B"}),
        ("export A=$(ls | head -1) B=2", {"A"}),
        ("declare -x C=3; D=4", {"C"}),
        ("A=1; export A B", {"A", "B"}),
    ],
)
def test_exports_are_found_in_a_scripts_text(script, names):
    assert names <= promised_names(script)
    assert "D" not in promised_names(script)


def test_when_a_script_hides_its_exports_any_name_may_be_one():
    assert "A" in promised_names("set -a\nA=1")
    assert "A" in promised_names('eval "$(echo A=1)"')


# --- the scripts themselves


def run(*texts: str, **environment: str) -> dict[str, str]:
    scripts = [Script(f"s{i}", text) for i, text in enumerate(texts)]
    return run_preinstall(scripts, environment, SystemCommands())


@pytest.mark.parametrize(
    "shebang", ["", "#!/bin/sh\n", "#!/bin/bash -e\n", "#!/usr/bin/env bash\n"]
)
def test_exported_variables_come_back(shebang):
    text = f"{shebang}export A=1\nB=2\nexport C='two\nlines = x'\nexport EMPTY="
    assert run(text) == {"A": "1", "C": "two\nlines = x", "EMPTY": ""}


def test_later_scripts_see_and_change_what_earlier_ones_exported():
    assert run("export A=1 B=1", "export A=$A$SITE", SITE="x") == {"A": "1x", "B": "1"}


def test_a_script_that_exits_still_exports():
    assert run("export A=1\nexit 0") == {"A": "1"}


def test_other_interpreters_run_but_export_nothing():
    assert run("#!/usr/bin/python3\nimport os; os.environ['A'] = '1'") == {}


@pytest.mark.parametrize("text", ["echo why >&2\nexit 3", "set -e\necho why >&2; false\nexit 0"])
def test_a_script_that_fails_stops_everything_with_its_output(text):
    with pytest.raises(CommandError) as caught:
        run(text)
    assert caught.value.message.startswith("The s0 script failed")
    assert "why" in caught.value.message
    assert "Nothing was written" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("echo", ["/bin/bash"]),
        ("#!/bin/sh", ["/bin/sh"]),
        ("#! /bin/bash -e -u \nx", ["/bin/bash", "-e -u"]),
        ("#!\n", ["/bin/bash"]),
    ],
)
def test_the_first_line_names_the_interpreter(text, command):
    assert interpreter(text) == command


# --- the whole way


def plan(keys: dict, **options: object):
    loaded = Loaded(document(keys), None)
    values = {"arch": "x86_64", "media": None, "commands": SystemCommands(), "emit": discard}
    return plan_installation(loaded, **{**values, **options})


def test_scripts_run_before_planning(tmp_path):
    keys = {
        "disk": "$DISK",
        "environment": {"LETTER": "c"},
        "preinstall": ["#!/bin/sh", f"touch {tmp_path}/ran", 'export DISK="/dev/sd$LETTER"'],
    }
    assert str(plan(keys).storage.disks[0].device) == "/dev/sdc"
    assert (tmp_path / "ran").exists()


def test_no_script_runs_while_there_are_mistakes(tmp_path):
    keys = {"hostname": "-", "preinstall": [f"touch {tmp_path}/ran"]}
    with pytest.raises(PlanError):
        plan(keys)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_does_not_run_scripts(tmp_path):
    keys = {"preinstall": [f"touch {tmp_path}/ran"]}
    assert plan(keys, run_scripts=False)
    assert list(tmp_path.iterdir()) == []


def test_a_variable_that_was_promised_but_not_exported_is_a_problem():
    with pytest.raises(PlanError) as caught:
        plan({"disk": "$DISK", "preinstall": ["false && export DISK=/dev/sda; true"]})
    assert "$DISK has no value" in str(caught.value.problems[0])


def test_a_random_name_is_made_for_each_machine():
    assert plan({}).host.hostname != plan({}).host.hostname


def test_a_kickstart_in_a_file_looks_for_its_files_beside_it(tmp_path):
    (tmp_path / "post.sh").write_text("echo\n")
    keys = '{"ostree": {"repo_url": "https://a", "repo_ref": "a"}, "disk": "/dev/sda",'
    (tmp_path / "ks.json").write_text(f'{keys} "postinstallscripts": ["post.sh"]}}')
    loaded = load_kickstart(str(tmp_path / "ks.json"), discard, CancelToken())
    made = plan_installation(
        loaded, arch="x86_64", media=None, commands=SystemCommands(), emit=discard
    )
    assert made.scripts.post == (Script("post.sh", "echo\n"),)
