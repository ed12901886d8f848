"""The page about a custom host's server, branch and key."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input, Static

from engine.cancel import CancelToken
from engine.errors import NetworkError, OstreeError, SignatureError
from installer.branches import Branch, NoSuchBranchError, Offer, SigningKey
from installer.draft import Draft
from installer.interview import Session
from tests.tui.wizard.inquiries import RecordedInquiries, RecordedServer
from tests.tui.wizard.pilot import drive, screen_text, shown, until
from tui.widgets.choices import ChoiceList
from tui.widgets.fields import Field
from tui.wizard.flow import Flow
from tui.wizard.page import Move, Page
from tui.wizard.profile import ProfilePage
from tui.wizard.source import SourcePage

URL, MINIMAL, BASE = "http://srv1/repo", "photon/5.0/x86_64/minimal", "photon/5.0/x86_64/base"
LISTED = Offer(URL, (Branch(BASE, "b" * 64), Branch(MINIMAL, "a" * 64, "5.0_minimal")))
MEASURED = Offer(
    URL,
    (
        Branch(BASE, "b" * 64, "5.0_base", 86400, 412 * 10**6, 296),
        Branch(MINIMAL, "a" * 64, "5.0_minimal", 86400, 300 * 10**6, 201),
    ),
)
FILE_KEY = SigningKey("/mnt/key.asc", ("AB12" * 10,), ("Ada <ada@example.com>",))
WEB_KEY = SigningKey("/run/k.gpg", ("CD34" * 10,), ("Bob <b@x>",), "http://srv1/key.asc")


class Story:
    """The page with a server that offers two branches, driven by keys."""

    def __init__(self, source: dict[str, Any] | None = None) -> None:
        self.world = RecordedInquiries()
        self.world.servers[URL] = RecordedServer(LISTED, MEASURED)
        draft = Draft({"ostree": {"profile": "custom", **(source or {})}, "disk": "/dev/vda"})
        self.session = Session(self.world, "x86_64", draft=draft)
        self.pilot: Pilot[Any]

    def play(self, story: Callable[["Story"], Any]) -> Move | None:
        async def run() -> None:
            async with shown(SourcePage, self.session) as self.pilot:
                await story(self)
                self.moved = self.pilot.app.move

        drive(run)
        return self.moved

    async def type(self, id: str, text: str) -> None:
        self.field(id).focus_input()
        self.field(id).query_one(Input).value = text
        await self.pilot.press("tab")

    async def choose(self, id: str, number: int) -> None:
        self.field(id).focus_input()
        await self.pilot.press("home", *["down"] * number, "space")

    async def next(self) -> None:
        await self.pilot.press("f10")

    async def until_moved(self) -> None:
        await until(self.pilot, lambda: self.pilot.app.move is not None, "the next page")

    async def until_shown(self, text: str, id: str = "") -> None:
        """Until the page, or what is wrong with the field of this id, says so."""
        shows = (lambda: self.error(id)) if id else (lambda: self.text)
        await until(self.pilot, lambda: text in shows(), repr(text))

    def field(self, id: str) -> Field:
        return self.pilot.app.screen.query_one(f"#{id}", Field)

    def error(self, id: str) -> str:
        field = self.field(id)
        visible = field.display and field.has_class("wrong")
        return str(field.query_one(".error", Static).content) if visible else ""

    def chosen(self, id: str) -> tuple[str, ...]:
        return self.field(id).query_one(ChoiceList).chosen

    @property
    def text(self) -> str:
        """Of all of the body, also what is scrolled out of sight, and the branches."""
        fields = self.pilot.app.screen.query(Field)
        states = [str(each.content) for field in fields for each in field.query(".state")]
        return "\n".join([*states, screen_text(self.pilot)])


def key_file(story: Story, folder: Path, key: SigningKey, place: str = "") -> str:
    """A file that looks like a key, which the world knows by its path, or at place."""
    path = folder / "key.asc"
    path.write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    story.world.signing_keys[place or str(path)] = replace(key, path=str(path))
    return str(path)


def test_a_signed_branch_is_chosen_and_becomes_the_answer(tmp_path: Path):
    story = Story({"remote": "ours"})
    key = key_file(story, tmp_path, FILE_KEY)

    async def run(page: Story) -> None:
        await page.type("url", URL)
        await page.until_shown("2 branches")
        await page.until_shown("version 5.0_base, 1970-01-02, 412 MB, 296 packages")
        await page.choose("branch", 1)
        await page.choose("signature", 0)
        await page.type("key", key)
        await page.until_shown("AB12 AB12")
        assert not page.field("confirmed").display
        await page.next()
        await page.until_moved()

    move = story.play(run)
    assert move is not None
    assert move.draft.get("ostree") == {
        "profile": "custom",
        "remote": "ours",
        "repo_url": URL,
        "repo_ref": MINIMAL,
        "gpg_key": key,
        "gpg_verify": True,
    }
    assert story.world.verifications == [(URL, MINIMAL, Path(key), None)]


def test_unsigned_is_a_choice_that_says_what_it_means():
    story = Story({"repo_url": URL, "repo_ref": BASE})

    async def run(page: Story) -> None:
        await page.until_shown("Whoever controls the server")
        await page.next()
        await page.until_shown("without a key nobody checks who made the system", "signature")
        await page.choose("signature", 1)
        assert not page.field("key").display
        await page.next()
        await page.until_moved()

    move = story.play(run)
    assert move is not None
    assert move.draft.get("ostree", "gpg_verify") is False
    assert story.world.verifications == [(URL, BASE, None, None)]


def test_a_fetched_key_counts_when_its_fingerprint_was_compared(tmp_path: Path):
    story = Story({"repo_url": URL, "repo_ref": BASE, "gpg_verify": True})
    kept = key_file(story, tmp_path, WEB_KEY, WEB_KEY.origin)
    key_file(story, tmp_path, WEB_KEY, "http://srv1/other.asc")

    async def run(page: Story) -> None:
        await page.type("key", WEB_KEY.origin)
        await page.until_shown("CD34 CD34")
        await page.next()
        await page.until_shown("compare the fingerprint", "confirmed")
        await page.choose("confirmed", 0)
        await page.type("key", "http://srv1/other.asc")
        await until(page.pilot, lambda: not page.chosen("confirmed"), "a doubt of the other key")
        await page.choose("confirmed", 0)
        await page.next()
        await page.until_moved()

    move = story.play(run)
    assert move is not None
    assert move.draft.get("ostree", "gpg_key") == kept


def test_a_key_that_was_not_compared_comes_back_as_it_was_typed(tmp_path: Path):
    story = Story({"repo_url": URL, "gpg_verify": True, "gpg_key": WEB_KEY.origin})
    key_file(story, tmp_path, WEB_KEY, WEB_KEY.origin)

    async def run(page: Story) -> None:
        await page.until_shown("CD34 CD34")
        await page.pilot.press("escape")
        await page.until_moved()

    move = story.play(run)
    assert move is not None and move.back
    assert move.draft.get("ostree", "gpg_key") == WEB_KEY.origin


def test_without_a_summary_the_branch_is_typed():
    story = Story({"gpg_verify": False})
    story.world.servers[URL] = RecordedServer(Offer(URL, listed=False))

    async def run(page: Story) -> None:
        await page.type("url", URL)
        await page.until_shown("a repository without a summary")
        await page.next()
        await page.until_shown("choose a branch", "branch")
        await page.type("branch", BASE)
        await page.next()
        await page.until_moved()

    move = story.play(run)
    assert move is not None
    assert move.draft.get("ostree", "repo_ref") == BASE


def test_a_single_branch_is_chosen_by_itself():
    story = Story({"repo_url": URL, "gpg_verify": False})
    story.world.servers[URL] = RecordedServer(Offer(URL, LISTED.branches[:1]))

    async def run(page: Story) -> None:
        await page.until_shown("1 branch")
        await page.next()
        await page.until_moved()

    move = story.play(run)
    assert move is not None
    assert move.draft.get("ostree", "repo_ref") == BASE


def test_a_branch_that_the_server_has_no_more_is_told_at_once():
    async def run(page: Story) -> None:
        await page.until_shown('did you mean "photon/5.0/x86_64/base"', "branch")
        assert page.chosen("branch") == ()

    Story({"repo_url": URL, "repo_ref": "photon/5.0/x86_64/basis"}).play(run)


def test_a_branch_with_a_fault_cannot_be_chosen():
    story = Story({"repo_url": URL})
    faulty = replace(MEASURED.branches[0], fault="its commit is damaged")
    story.world.servers[URL] = RecordedServer(LISTED, Offer(URL, (faulty, LISTED.branches[1])))

    async def run(page: Story) -> None:
        await page.until_shown("cannot be used: its commit is damaged")
        await page.choose("branch", 0)
        assert page.chosen("branch") == ()

    story.play(run)


def test_sizes_that_cannot_be_read_do_not_stand_in_the_way():
    story = Story({"repo_url": URL})
    story.world.servers[URL] = RecordedServer(LISTED, NetworkError("The connection broke."))

    async def run(page: Story) -> None:
        await page.until_shown("their sizes are not known: The connection broke.")
        await page.choose("branch", 0)
        assert page.chosen("branch") == (BASE,)

    story.play(run)


def test_a_server_that_fails_is_told_beside_its_field_and_asked_again():
    story = Story({"gpg_verify": False, "repo_ref": BASE})
    story.world.servers[URL] = NetworkError("srv1 refused the connection.", "Is it on?")

    async def run(page: Story) -> None:
        await page.type("url", URL)
        await page.until_shown("srv1 refused the connection. (Is it on?)", "url")
        assert not page.field("branch").display
        await page.next()
        await until(page.pilot, lambda: len(page.world.asked) == 2, "another question")
        await page.until_shown("srv1 refused the connection. (Is it on?)", "url")
        page.world.servers[URL] = RecordedServer(LISTED)
        await page.pilot.click("#url .ask")
        await page.until_shown("2 branches")
        assert page.chosen("branch") == (BASE,)

    story.play(run)


def test_what_is_no_url_is_told_before_anybody_is_asked():
    story = Story()

    async def run(page: Story) -> None:
        await page.type("url", "srv1.example.com/repo")
        await page.until_shown('write "https://srv1.example.com/repo"', "url")
        await page.type("url", "")
        await page.next()
        await page.until_shown("must be given (such as https://", "url")

    story.play(run)
    assert story.world.asked == []


def test_each_refusal_of_the_branch_is_beside_what_can_mend_it(tmp_path: Path):
    story = Story({"repo_url": URL, "repo_ref": BASE, "gpg_verify": True})
    key = key_file(story, tmp_path, FILE_KEY)
    refusals = {
        "key": SignatureError("It is signed by the key ABCD.", "Get that."),
        "branch": NoSuchBranchError("There is no such branch.", "Another?"),
        "url": NetworkError("The connection broke.", "Try again."),
    }

    async def run(page: Story) -> None:
        await page.type("key", key)
        await page.until_shown("2 branches")
        for id, error in refusals.items():
            page.world.refusal = error
            await page.next()
            await page.until_shown(f"{error.message} ({error.hint})", id)

    assert story.play(run) is None


def test_a_key_that_is_none_is_told_beside_its_field():
    story = Story({"repo_url": URL, "repo_ref": BASE, "gpg_verify": True})
    story.world.signing_keys["/mnt/text"] = OstreeError("/mnt/text holds no GPG public key.")

    async def run(page: Story) -> None:
        await page.next()
        await page.until_shown("must be given (the file", "key")
        await page.type("key", "/mnt/text")
        await page.until_shown("/mnt/text holds no GPG public key.", "key")
        await page.next()
        await page.until_shown("/mnt/text holds no GPG public key.", "key")

    story.play(run)


def test_the_answer_to_a_former_address_is_not_shown_for_the_new_one():
    story, asked, answer = Story(), threading.Event(), threading.Event()
    former = story.world.offered

    def offered(url: str, cancel: CancelToken) -> Offer:
        if url == "http://slow/repo":
            with cancel.calling(answer.set):
                asked.set()
                answer.wait()
            return Offer(url, LISTED.branches[:1])
        return former(url, cancel)

    story.world.offered = offered  # type: ignore[method-assign]

    async def run(page: Story) -> None:
        await page.type("url", "http://slow/repo")
        await page.until_shown("asking http://slow/repo ...")
        await until(page.pilot, asked.is_set, "the question")
        await page.type("url", URL)
        await page.until_shown("2 branches")
        assert answer.is_set()

    story.play(run)


def test_leaving_while_a_server_is_asked_calls_the_question_off():
    story, asked, called_off = Story(), threading.Event(), threading.Event()

    def offered(url: str, cancel: CancelToken) -> Offer:
        with cancel.calling(called_off.set):
            asked.set()
            called_off.wait()
        cancel.check()
        return LISTED

    story.world.offered = offered  # type: ignore[method-assign]

    async def run(page: Story) -> None:
        await page.type("url", URL)
        await until(page.pilot, asked.is_set, "the question")
        await page.pilot.press("escape")
        await page.until_moved()
        await until(page.pilot, called_off.is_set, "the end of the question")

    move = story.play(run)
    assert move is not None
    assert move.draft.get("ostree", "repo_url") == URL


def test_leaving_from_the_address_itself_keeps_it():
    async def run(page: Story) -> None:
        page.field("url").focus_input()
        await page.pilot.press(*"http", "escape")
        await page.until_moved()

    move = Story().play(run)
    assert move is not None
    assert move.draft.get("ostree", "repo_url") == "http"


def test_a_commit_that_was_asked_for_is_what_is_verified():
    source = {"repo_url": URL, "repo_ref": BASE, "gpg_verify": False, "commit": "c" * 64}
    story = Story(source)

    async def run(page: Story) -> None:
        await page.until_shown("2 branches")
        await page.next()
        await page.until_moved()

    move = story.play(run)
    assert move is not None
    assert move.draft.get("ostree") == {"profile": "custom", **source}
    assert story.world.verifications == [(URL, BASE, None, "c" * 64)]


def test_every_field_is_explained():
    async def run(page: Story) -> None:
        for field in page.pilot.app.screen.query(Field):
            assert len(field.help_text) > 40
        page.field("url").focus_input()
        await page.pilot.press("f1")
        await page.until_shown("branches when you leave the field")

    Story().play(run)


def test_only_custom_hosts_are_asked():
    world = RecordedInquiries()
    custom = Session(world, "x86_64", draft=Draft({"ostree": {"profile": "custom"}}))
    default = Session(world, "x86_64", draft=Draft({"ostree": {"profile": "default"}}))
    given = Session(world, "x86_64", draft=custom.draft, sections=())
    assert [SourcePage.asked(each) for each in (custom, default, given)] == [True, False, False]
    kinds = [type(page) for page in walk(custom)]
    assert kinds.index(SourcePage) == kinds.index(ProfilePage) + 1
    assert SourcePage not in [type(page) for page in walk(default)]


def walk(session: Session) -> Iterator[Page]:
    """The pages that a user sees who changes nothing."""
    flow = Flow(session)
    yield flow.page
    while flow.move(Move(session.draft)):
        yield flow.page
