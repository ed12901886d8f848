"""Where a custom host comes from: a server, one of its branches, and who vouches for it."""

from __future__ import annotations

from pathlib import Path

from textual import on, work
from textual.app import ComposeResult

from engine.cancel import CancelToken
from engine.errors import Cancelled, PhotreeError
from installer import rules
from installer.branches import REF, URL, Offer, SourceAnswers, is_custom_host, remark_of
from installer.draft import Draft, Remark, Section
from installer.interview import Session
from tui.widgets.asking import AskingField, sentence
from tui.widgets.branches import BranchField
from tui.widgets.signature import SignatureFields
from tui.widgets.threads import in_thread
from tui.wizard.page import Page


class SourcePage(Page):
    section = Section.SOURCE
    heading = "Source"
    help_text = (
        "The server that this machine is installed from, and gets its updates from. It is asked as"
        " soon as you leave the field; nothing is installed before the last page."
    )

    @classmethod
    def asked(cls, session: Session) -> bool:
        return super().asked(session) and is_custom_host(session.draft)

    def compose_body(self) -> ComposeResult:
        given, inquiries = SourceAnswers.of(self.session.draft), self.session.inquiries
        yield AskingField[Offer](
            "Address of the server's repository",
            inquiries.offered,
            lambda offer: offer.summary,
            path=URL,
            rule=rules.repository_url,
            help_text="The URL of the OSTree repository's directory. It is asked for its branches"
            " when you leave the field; Test asks again.",
            value=given.url,
            placeholder="https://server.example.com/repo",
            id="url",
        )
        yield BranchField(
            "Branch",
            given.ref,
            path=REF,
            help_text="Which of the server's trees becomes this machine. Updates are the newer"
            " versions of the same branch. The size is what has to be transferred.",
            id="branch",
        )
        yield SignatureFields(given, inquiries.signing_key)

    def answer(self) -> Draft:
        return self._answers.put_into(self.session.draft)

    async def find_problems(self, draft: Draft) -> tuple[Remark, ...]:
        await self._server.settle()
        if self._server.error is not None:
            return (remark_of(self._server.error, SourceAnswers()),)
        await self._signature.settle()
        remarks = (*self._answers.open_questions(), *self._signature.problems())
        return remarks or await super().find_problems(self.answer()) or await self._verify()

    async def _verify(self) -> tuple[Remark, ...]:
        """Whether the branch is there, and signed by the key: as the installation will check."""
        answers, token = self._answers, CancelToken()
        key = Path(answers.key) if answers.signed else None
        commit = self.answer().get("ostree", "commit")
        verified = self.session.inquiries.verified
        self._server.say(f"looking at {answers.ref} ...")
        try:
            await in_thread(self, lambda: verified(answers.url, answers.ref, key, commit, token))
        except PhotreeError as error:
            return (remark_of(error, answers),)
        finally:
            token.cancel()
            self._say_offer()
        return ()

    @on(AskingField.Settled, "#url")
    def _take_offer(self) -> None:
        offer = self._server.answer
        self._branch.fill(offer)
        if offer is not None and offer.branches:
            self._measure(offer)

    @work(exclusive=True, group="measure")
    async def _measure(self, offer: Offer) -> None:
        """Sizes and packages are in the commits, which take longer than the summary."""
        token = CancelToken()
        self._server.say(f"{offer.summary}; reading their sizes ...")
        try:
            found = await in_thread(self, lambda: self.session.inquiries.measured(offer, token))
        except Cancelled:
            return
        except PhotreeError as error:
            self._server.say(f"{offer.summary}; their sizes are not known: {sentence(error)}")
            return
        finally:
            token.cancel()
        if self._server.answer is offer:
            self._branch.fill(found)
            self._say_offer()

    def _say_offer(self) -> None:
        offer = self._server.answer
        self._server.say(offer.summary if offer is not None else "")

    @property
    def _answers(self) -> SourceAnswers:
        signature = self._signature
        return SourceAnswers(
            self._server.value, self._branch.value, signature.signed, signature.key
        )

    @property
    def _server(self) -> AskingField[Offer]:
        return self.query_one("#url", AskingField)

    @property
    def _branch(self) -> BranchField:
        return self.query_one("#branch", BranchField)

    @property
    def _signature(self) -> SignatureFields:
        return self.query_one(SignatureFields)
