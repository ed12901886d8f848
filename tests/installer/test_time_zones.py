"""The time zones' names, and finding one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.rules import time_zone
from installer.time_zones import matching, meant, suggest, time_zones

ZONES = ("UTC", "America/New_York", "America/North_Dakota/Center", "Europe/Berlin", "Europe/York")


def test_this_machines_zones_begin_with_utc_and_are_names_a_kickstart_takes():
    found = time_zones()
    assert found[0] == "UTC"
    assert "Europe/Berlin" in found
    assert all(time_zone(name) is None for name in found)


def test_both_kinds_of_tables_are_read(tmp_path):
    (tmp_path / "zone.tab").write_text("# c\nDE\t+5230+01322\tEurope/Berlin\tmost\nbroken\n")
    assert time_zones(tmp_path) == ("UTC", "Europe/Berlin")
    (tmp_path / "tzdata.zi").write_text(
        "# v\nR d 1 o\nZ Asia/Tokyo 9 - JST\nL Asia/Tokyo Japan\nZ Factory 0 - -00\nL Etc/UTC UTC\n"
    )
    assert time_zones(tmp_path) == ("UTC", "Asia/Tokyo", "Japan")


def test_a_machine_without_tables_knows_none(tmp_path):
    (tmp_path / "tzdata.zi").write_bytes(b"\xff\xfe")
    assert time_zones(tmp_path) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("berl", ["Europe/Berlin"]),
        ("york", ["Europe/York", "America/New_York"]),
        ("new y", ["America/New_York"]),
        ("EUROPE", ["Europe/Berlin", "Europe/York"]),
        ("center", ["America/North_Dakota/Center"]),
        ("xyz", []),
        ("  ", list(ZONES)),
    ],
)
def test_a_part_of_a_name_finds_it(text, found):
    assert list(matching(ZONES, text)) == found


def test_the_way_a_name_is_written_does_not_matter():
    assert meant(ZONES, "america/new york") == "America/New_York"
    assert meant(ZONES, "Mars") == "Mars"


def test_for_what_is_no_zone_another_is_suggested():
    assert suggest(ZONES, "Berlim") == 'did you mean "Europe/Berlin"?'
    assert suggest(ZONES, "zzz") == "UTC is one"


@given(st.sampled_from(ZONES), st.data())
def test_every_part_of_a_name_finds_it_and_the_whole_comes_first(zone, data):
    start = data.draw(st.integers(0, len(zone) - 1))
    end = data.draw(st.integers(start + 1, len(zone)))
    assert zone in matching(ZONES, zone[start:end].strip("_") or zone)
    assert matching(ZONES, zone)[0] == zone
