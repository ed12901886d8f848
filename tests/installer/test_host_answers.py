"""Accounts in a draft: hashed, described, and enough of them to log in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer import host_answers as answers
from installer.draft import Draft
from installer.plan import Secret
from tests.installer.kickstarts import HASH, KEY, OTHER_KEY

SET = {"text": HASH, "crypted": True}
CLEAR = st.text("abc$*!", max_size=6).map(lambda text: {"text": text})
PASSWORDS = st.none() | CLEAR | st.just(SET)


def hasher(_text):
    return Secret(HASH)


def test_a_name_comes_from_either_key_and_goes_to_one():
    draft = Draft({"network": {"version": "2", "hostname": "a"}})
    assert answers.host_name(draft, "d") == "a"
    assert answers.host_name(Draft(), "d") == "d"
    changed = answers.with_host_name(draft, "b")
    assert changed.keys == {"network": {"version": "2"}, "hostname": "b"}


def test_a_new_password_replaces_either_key_and_keeps_the_age():
    keys = answers.with_password({"shadow_password": HASH}, Secret("x"), hasher)
    assert keys == {"password": SET}
    aged = {"password": {"text": "old", "age": 90}}
    assert answers.with_password(aged, Secret("x"), hasher) == {"password": {**SET, "age": 90}}


@given(PASSWORDS, st.lists(PASSWORDS, max_size=3))
def test_no_clear_text_is_left(root, others):
    users = [{"name": f"u{i}", **({"password": p} if p else {})} for i, p in enumerate(others)]
    draft = Draft({"users": users, **({"password": root} if root else {})})
    hashed = answers.with_hashes(draft, hasher)
    for before, after in zip(
        [draft.keys, *users], [hashed.keys, *hashed.get("users")], strict=True
    ):
        wanted = SET if before.get("password", {}).get("text") else None
        assert after.get("password") == wanted
    assert answers.with_hashes(hashed, hasher) == hashed


def test_what_is_no_password_is_left_for_the_rules():
    odd = Draft({"password": {"text": 5}, "users": ["ada"]})
    assert answers.with_hashes(odd, hasher) == odd
    assert answers.users_of(odd) == []


@pytest.mark.parametrize("text", ["*", "!", "!$6$x", ""])
def test_a_locked_account_has_no_password(text):
    assert not answers.has_password({"password": {"text": text, "crypted": True}})
    assert not answers.has_password({"shadow_password": text})
    assert answers.has_password({"shadow_password": HASH})


def test_keys_are_lines_in_any_form():
    draft = Draft({"public_key": {"key": f"{KEY}\n# c\n{OTHER_KEY}", "reason": "r"}})
    assert answers.root_keys(draft) == (KEY, OTHER_KEY)
    assert answers.with_root_keys(draft, [KEY, OTHER_KEY]) == draft
    assert answers.with_root_keys(draft, [KEY]).keys == {"public_key": KEY}
    assert answers.with_root_keys(draft, []).keys == {}
    assert answers.user_keys({"public_keys": [KEY, {"key": OTHER_KEY}]}) == (KEY, OTHER_KEY)


def test_a_user_is_described_without_secrets():
    user = {"name": "ada", "password": SET, "public_keys": [KEY], "sudo": True, "groups": ["wheel"]}
    assert answers.describe_user(user) == "password set, 1 SSH key, may use sudo, in wheel"
    assert answers.describe_user({"name": "bob"}) == "no password"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, ["nobody could log in to this machine"]),
        ({"users": [{"name": "a"}]}, ["nobody could log in to this machine"]),
        ({"users": [{"name": "a", "sudo": True}]}, ["nobody could log in to this machine"]),
        (
            {"users": [{"name": "a", "password": SET}]},
            ["nobody could become root on this machine"],
        ),
        (
            {"users": [{"name": "a", "sudo": True, "public_keys": [KEY]}]},
            ["nobody could become root on this machine"],
        ),
        ({"users": [{"name": "a", "sudo": True, "password": SET}]}, []),
        ({"password": SET}, []),
        ({"shadow_password": HASH}, []),
        ({"public_key": KEY}, []),
    ],
)
def test_somebody_must_be_able_to_become_root(keys, said):
    found = list(answers.login_problems(Draft(keys)))
    assert [remark.message for remark in found] == said
    assert all(remark.path == ("password",) and remark.hint for remark in found)
