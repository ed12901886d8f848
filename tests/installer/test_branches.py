"""The answers about a custom host's source."""

from hypothesis import given
from hypothesis import strategies as st

from engine.errors import NetworkError, SignatureError
from installer.branches import (
    KEY,
    REF,
    URL,
    VERIFY,
    Branch,
    NoSuchBranchError,
    Offer,
    SigningKey,
    SourceAnswers,
    is_address,
    is_custom_host,
    remark_of,
)
from installer.draft import Draft

TEXT = st.text("ab/", min_size=1, max_size=4)
ANSWERS = st.builds(SourceAnswers, TEXT, TEXT, st.just(False)) | st.builds(
    SourceAnswers, TEXT, TEXT, st.just(True), TEXT
)
OFFER = Offer("http://h/r", (Branch("photon/base", "0" * 64), Branch("photon/full", "1" * 64)))


def test_a_branch_is_shown_by_what_is_known_of_it():
    assert Branch("r", "ab" * 32).summary == "commit abababababab"
    known = Branch("r", "ab" * 32, "5.0", 86400, 412_300_000, 1)
    assert known.summary == "version 5.0, 1970-01-02, 412 MB, 1 package"
    assert Branch("r", "ab" * 32, size=1_250_000, packages=2).summary == "1.2 MB, 2 packages"


def test_an_offer_says_how_many_and_what_is_not_among_them():
    assert OFFER.summary == "2 branches"
    assert Offer("u", OFFER.branches[:1]).summary == "1 branch"
    assert OFFER.missing("photon/full") is None
    remark = OFFER.missing("photon/ful")
    assert (remark.path, remark.hint) == (REF, 'did you mean "photon/full"?')
    assert Offer("u", listed=False).missing("anything") is None


def test_a_key_is_shown_for_comparison():
    key = SigningKey("/k", ("ABCD1234",), ("Ada <ada@example.com>",), fault="expired")
    assert key.summary.splitlines() == [
        "ABCD 1234",
        "Ada <ada@example.com>",
        "This key is expired: what it signs will be refused.",
    ]


@given(ANSWERS)
def test_answers_come_back_from_a_draft(answers):
    assert SourceAnswers.of(answers.put_into(Draft())) == answers


def test_what_else_was_said_of_the_source_stays():
    draft = Draft({"ostree": {"remote": "ours", "osname": "x", "profile": "custom"}})
    made = SourceAnswers("http://h", "r", True, "/k").put_into(draft)
    assert made.get("ostree") == {
        "remote": "ours",
        "osname": "x",
        "profile": "custom",
        "repo_url": "http://h",
        "repo_ref": "r",
        "gpg_key": "/k",
        "gpg_verify": True,
    }
    assert SourceAnswers().put_into(made).get("ostree") == draft.get("ostree")


def test_an_unsigned_source_has_no_key():
    made = SourceAnswers("http://h", "r", False, "/k").put_into(Draft())
    assert made.get("ostree") == {"repo_url": "http://h", "repo_ref": "r", "gpg_verify": False}


def test_a_commit_is_dropped_with_the_branch_it_was_of():
    source = {"repo_url": "http://h", "repo_ref": "r", "commit": "0" * 64}
    draft = Draft({"ostree": source})
    assert SourceAnswers("http://h", "r").put_into(draft).get("ostree", "commit")
    assert not SourceAnswers("http://h", "s").put_into(draft).get("ostree", "commit")


def test_a_key_without_more_means_signed_and_nothing_means_not_said():
    assert SourceAnswers.of(Draft({"ostree": {"gpg_key": "/k"}})).signed is True
    assert SourceAnswers.of(Draft({"ostree": {"gpg_key": "/k", "gpg_verify": False}})).signed is (
        False
    )
    assert SourceAnswers.of(Draft()).signed is None


def test_every_open_question_is_named_at_once():
    assert [each.path for each in SourceAnswers().open_questions()] == [URL, REF, VERIFY]
    assert [each.path for each in SourceAnswers("u", "r", True).open_questions()] == [KEY]
    assert [*SourceAnswers("u", "r", False).open_questions()] == []


def test_an_error_is_shown_where_it_can_be_mended():
    signed, unsigned = SourceAnswers(signed=True), SourceAnswers(signed=False)
    assert remark_of(NetworkError("m", "h"), signed).path == URL
    assert remark_of(NoSuchBranchError("m"), signed).path == REF
    assert remark_of(SignatureError("m"), signed).path == KEY
    assert remark_of(SignatureError("m"), unsigned).path == REF
    assert str(remark_of(NetworkError("It is off.", "Switch it on."), signed)) == (
        "It is off. (Switch it on.)"
    )


def test_which_hosts_have_a_server_of_their_own():
    assert not is_custom_host(Draft())
    assert is_custom_host(Draft({"ostree": {"profile": "custom"}}))
    assert is_custom_host(Draft({"ostree": {"repo_url": "http://h"}}))
    assert not is_custom_host(Draft({"ostree": {"profile": "default"}}))


def test_a_place_of_a_key_is_an_address_or_a_file():
    assert is_address("HTTPS://h/k")
    assert not any(map(is_address, ("/k", "k", "file:///k", "httpd/k")))
