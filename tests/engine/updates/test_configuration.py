"""/etc/photree.conf, and /etc/rpm-ostreed.conf for what it leaves open."""

from pathlib import Path

import pytest

from engine.errors import PlanError
from engine.updates.configuration import (
    FleetLockSettings,
    HealthSettings,
    Settings,
    read_settings,
)
from engine.updates.window import Window

SHIPPED = Path(__file__).parents[3] / "engine/units/photree.conf"
ALL = """
# automatic updates of the web servers
[Daemon]
AutomaticUpdatePolicy = apply
Window=Sat,Sun 02:00-04:00
Window=Wed 23:00-01:00
RandomDelay=1h 30min
[FleetLock]
BaseUrl=https://locks.example.com/fleet/
Group=web.servers-1
; checks
[Health]
Timeout=10min
CheckTimeout=90
BootTries=3
"""


def configured(root: Path, ours: str | bytes = "", theirs: str = "") -> Settings:
    (root / "etc").mkdir(exist_ok=True)
    data = ours.encode() if isinstance(ours, str) else ours
    (root / "etc/photree.conf").write_bytes(data)
    (root / "etc/rpm-ostreed.conf").write_text(theirs)
    return read_settings(root)


def problems(settings: Settings) -> list[str]:
    return [str(problem).partition("/etc/")[2] for problem in settings.problems]


def test_without_a_file_nothing_happens_by_itself(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()
    assert Settings().policy == "none"


def test_every_key_is_read(tmp_path: Path) -> None:
    assert configured(tmp_path, ALL) == Settings(
        policy="apply",
        source=tmp_path / "etc/photree.conf",
        windows=(Window.parse("Sat,Sun 02:00-04:00"), Window.parse("Wed 23:00-01:00")),
        random_delay=5400,
        fleet_lock=FleetLockSettings("https://locks.example.com/fleet", "web.servers-1"),
        health=HealthSettings(600, 90, 3),
    )


def test_the_file_that_is_shipped_changes_nothing_and_its_examples_are_right(
    tmp_path: Path,
) -> None:
    text = SHIPPED.read_text()
    assert configured(tmp_path, text) == Settings()
    examples = [
        line.removeprefix("#") if line[:1] == "#" and line[1:2] not in (" ", "") else line
        for line in text.splitlines()
    ]
    shown = configured(tmp_path, "\n".join(examples))
    assert shown.problems == ()
    assert (shown.health, shown.policy, shown.random_delay) == (HealthSettings(), "none", 0)
    assert shown.fleet_lock is not None and len(shown.windows) == 2


@pytest.mark.parametrize("policy", ["none", "check", "stage", "apply"])
def test_rpm_ostrees_file_counts_where_ours_is_silent(tmp_path: Path, policy: str) -> None:
    theirs = f"[Daemon]\nIdleExitTimeout=60\nAutomaticUpdatePolicy={policy}\n[Experimental]\na=b\n"
    found = configured(tmp_path, "[Health]\nBootTries=0\n", theirs)
    assert (found.policy, found.source) == (policy, tmp_path / "etc/rpm-ostreed.conf")
    ours = configured(tmp_path, "[Daemon]\nAutomaticUpdatePolicy=none\n", theirs)
    assert (ours.policy, ours.source) == ("none", tmp_path / "etc/photree.conf")


def test_rpm_ostrees_older_word_for_stage_is_known(tmp_path: Path) -> None:
    assert configured(tmp_path, "", "[Daemon]\nAutomaticUpdatePolicy=ex-stage\n").policy == "stage"


def test_all_mistakes_are_found_at_once_with_their_lines(tmp_path: Path) -> None:
    found = configured(
        tmp_path,
        "[Daemon]\n"
        "AutomaticUpdatePolicy=apply\n"
        "Windows=Sat 02:00-04:00\n"
        "Window=Sat 26:00-04:00\n"
        "RandomDelay=soon\n"
        "AutomaticUpdatePolicy=stage\n"
        "just words\n"
        "[Fleetlock]\n"
        "BaseUrl=https://locks.example.com\n"
        "[FleetLock]\n"
        "Group=a b\n"
        "[Health]\n"
        "Timeout=0\n"
        "CheckTimeout=5 parsecs\n"
        "BootTries=6\n",
    )
    assert problems(found) == [
        "photree.conf:3: There is no key 'Windows'. (did you mean Window?)",
        "photree.conf:4: Window=: 26:00 is no time of the day.",
        "photree.conf:5: RandomDelay=: 'soon' is no time span; "
        "write it like 30s, 5min or 1h 30min.",
        "photree.conf:6: AutomaticUpdatePolicy= was given in line 2, too.",
        "photree.conf:7: 'just words' has neither a section nor Key=value.",
        "photree.conf:8: There is no section 'Fleetlock'. (did you mean FleetLock?)",
        "photree.conf:11: Group=: 'a b' is no group; use letters, digits, '.' and '-'.",
        "photree.conf:13: Timeout=: it must be longer than nothing.",
        "photree.conf:14: CheckTimeout=: 'parsecs' is no unit of time; use s, min, h or d.",
        "photree.conf:15: BootTries=: '6' is no number from 0 to 5.",
        "photree.conf:11: Group= needs BaseUrl= beside it.",
    ]
    assert found.policy == "none"


@pytest.mark.parametrize(
    ("ours", "problem"),
    [
        ("AutomaticUpdatePolicy=apply\n", "photree.conf:1: "),
        ("[Daemon]\nAutomaticUpdatePolicy=always\n", "use none, check, stage or apply"),
        ("[FleetLock]\nBaseUrl=locks.example.com\n", "no URL that begins with http"),
        ("[FleetLock]\nBaseUrl=http://[\n", "no URL that begins with http"),
        ("[Updates]\nPolicy=apply\n", "There is no section 'Updates'"),
        (b"[Daemon]\nAutomaticUpdatePolicy=\xff\n", "no text in UTF-8"),
    ],
)
def test_a_mistake_means_no_automatic_update(
    tmp_path: Path, ours: str | bytes, problem: str
) -> None:
    found = configured(tmp_path, ours, "[Daemon]\nAutomaticUpdatePolicy=apply\n")
    assert found.policy == "none"
    assert problem in problems(found)[0]
    with pytest.raises(PlanError, match="so there are none"):
        found.require_valid()


def test_a_mistake_in_rpm_ostrees_file_is_one_too(tmp_path: Path) -> None:
    found = configured(tmp_path, "", "[Daemon]\nAutomaticUpdatePolicy=yes\n")
    assert found.policy == "none"
    assert problems(found)[0].startswith("rpm-ostreed.conf:2: AutomaticUpdatePolicy=: 'yes'")


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "etc/photree.conf").mkdir(parents=True)
    assert "cannot be read: Is a directory" in str(read_settings(tmp_path).problems[0])
