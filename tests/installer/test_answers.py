"""A kickstart that fills in the wizard's pages; and the licence on the first of them."""

import json

import pytest

from engine.cancel import CancelToken
from engine.errors import PhotreeError, PlanError
from installer.answers import read_answers
from installer.draft import Draft, Section
from installer.interview import Session
from installer.licence import licence_text
from tests.tui.wizard.inquiries import RecordedInquiries


def answers(folder, text):
    file = folder / "ks.yaml"
    file.write_text(text)
    return read_answers(str(file), CancelToken())


def test_an_incomplete_kickstart_with_mistakes_is_a_draft(tmp_path):
    draft = answers(tmp_path, "hostname: a b\ncolour: red\n")
    assert draft.get("hostname") == "a b"
    assert draft.get("colour") == "red"
    assert draft.get("search_path") == [str(tmp_path)]


@pytest.mark.parametrize("text", ["hostname: [\n", "- a\n- b\n", "just words\n"])
def test_what_cannot_be_read_is_reported_with_its_line(tmp_path, text):
    with pytest.raises(PlanError) as caught:
        answers(tmp_path, text)
    assert "ks.yaml:" in str(caught.value.problems[0])


def test_a_file_of_another_installer_is_named_as_that(tmp_path):
    with pytest.raises(PlanError, match="no kickstart of ours"):
        answers(tmp_path, "ostreesetup --url=http://h/repo --ref=r --osname=o\nreboot\n")


def test_given_sections_are_asked_only_when_something_is_wrong_with_them():
    draft = Draft({"hostname": "a b", "disk": "/dev/vda", "ostree": {"default_repo": True}})
    session = Session(RecordedInquiries(), "x86_64", draft=draft, sections=(Section.DISK,))
    session.ask_what_is_wrong()
    assert session.sections == (Section.SOURCE, Section.DISK, Section.HOST)


def test_a_licence_is_the_one_that_was_given_else_the_mediums_else_a_sentence(tmp_path):
    assert "free software" in licence_text(None, None)
    assert "free software" in licence_text(None, tmp_path)
    (tmp_path / "EULA").write_text("the medium's\n")
    assert licence_text(None, tmp_path) == "the medium's"
    (tmp_path / "mine").write_bytes(b"mine \xff")
    assert licence_text(tmp_path / "mine", tmp_path).startswith("mine")
    with pytest.raises(PhotreeError, match="cannot be read"):
        licence_text(tmp_path / "no", tmp_path)


def test_a_kickstart_of_the_wizard_is_read_again(tmp_path):
    keys = {"hostname": "h", "disk": "/dev/vda"}
    assert answers(tmp_path, json.dumps(keys)).without("search_path").keys == keys
