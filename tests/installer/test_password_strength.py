"""How good a password is, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.password_strength import judge


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("aB3$x", "fewer than 8 characters"),
        ("Password1!", "one of those that are tried first"),
        ("changeme", "one of those that are tried first"),
        ("abcdefghijkl", "follow one another"),
        ("87654321", "follow one another"),
        ("asdfghjkl", "follow one another"),
        ("aaaabbbbaaaabbbb", "few different characters"),
        ("82736455271", "digits only"),
        ("my-Photon-srv1!", '"photon-srv1" is in it'),
        ("ada&ada&XY12ada", '"ada" is in it'),
    ],
)
def test_weak_ones_are_told_why(text, reason):
    found = judge(text, ["photon-srv1.example.com", "ada"])
    assert found.word == "weak"
    assert reason in str(found)


@pytest.mark.parametrize("text", ["horse staple battery", "xK3v9pQe!mmz"])
def test_long_ones_and_those_of_several_kinds_are_good(text):
    assert str(judge(text, ["photon"])) == "good"


def test_between_them_something_better_is_said():
    assert str(judge("xK3v9pQe")) == ("fair: 16 characters, or 12 of several kinds, are better")


@given(st.text("abcXYZ019!? ", max_size=20), st.lists(st.text("ab.", max_size=4), max_size=2))
def test_every_password_is_judged_and_not_shown(text, names):
    found = judge(text, names)
    assert found.word in ("weak", "fair", "good")
    assert len(text) < 8 or text not in repr(found)
