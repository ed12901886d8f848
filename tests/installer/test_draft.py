"""The wizard's answers are a kickstart, and are checked as one."""

import json

from hypothesis import given
from hypothesis import strategies as st

from engine.document import read_document
from installer.draft import Draft, Section
from installer.kickstart.reading import Facts
from installer.plan import Secret
from tests.installer.kickstarts import make_repository

NAMES = st.text("abc", min_size=1, max_size=2)
VALUES = st.recursive(st.integers() | NAMES, lambda inner: st.lists(inner, max_size=2))


def assess(draft: Draft, media=None):
    return draft.assess(Facts("x86_64", media), lambda _text: Secret("$6$x"))


def test_a_complete_draft_is_a_plan(tmp_path):
    make_repository(tmp_path / "repo", "photon/5.0/x86_64/minimal")
    draft = Draft().with_value(True, "ostree", "default_repo").with_value("/dev/vda", "disk")
    found = assess(draft, tmp_path)
    assert (found.problems, found.outcome.plan.storage.disks[0].name) == ((), "/dev/vda")


def test_a_problem_belongs_to_the_section_that_asks_for_its_key():
    draft = Draft({"hostname": "a b", "disk": "sda", "ostree": {"repo_url": "ftp://h"}})
    found = assess(draft)
    (remark,) = found.of(Section.HOST)
    assert remark.path == ("hostname",)
    assert str(remark).startswith("must be a host name")
    assert remark.hint == 'write "a-b"'
    assert [each.path for each in found.of(Section.DISK)] == [("disk",)]
    assert ("ostree", "repo_url") in [each.path for each in found.of(Section.SOURCE)]
    assert found.of(Section.NETWORK) == ()


def test_what_nobody_wants_to_be_decided_for_them_is_asked():
    assert [*Draft().open_sections()] == [Section.SOURCE, Section.DISK, Section.HOST]
    answered = Draft({"ostree": {}, "disks": {}, "public_key": ""})
    assert [*answered.open_sections()] == []


def test_a_draft_is_written_as_the_kickstart_that_it_is():
    draft = Draft({"hostname": "h", "users": [{"name": "ada"}]})
    assert read_document(draft.to_json(), "f").data == draft.keys


@given(st.lists(NAMES, min_size=1, max_size=3), VALUES)
def test_what_was_set_is_there_and_the_former_draft_is_as_before(path, value):
    former = Draft({"a": {"b": 1}, "c": 2})
    before = json.dumps(former.keys)
    assert former.with_value(value, *path).get(*path) == value
    assert json.dumps(former.keys) == before


def test_what_a_screen_got_is_its_own():
    draft = Draft({"users": [{"name": "ada"}]})
    draft.get("users").append("bob")
    assert draft.get("users") == [{"name": "ada"}]
    assert draft.get("users", 1, default="nobody") == "nobody"
    assert draft.without("users").keys == {}
