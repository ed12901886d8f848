"""Whether what a server sends is signed, and by whom: a public key that the user vouches for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from engine.cancel import CancelToken
from installer.branches import KEY, VERIFY, SigningKey, SourceAnswers
from installer.draft import Remark
from tui.widgets.asking import AskingField
from tui.widgets.choices import Choice, ChoiceField, ChoiceList

_CONFIRMED = ("confirmed",)
_SIGNED, _UNSIGNED = "signed", "unsigned"
_CHOICES = (
    Choice(
        _SIGNED,
        "Signed: the system is checked with the public key of its owner",
        "Nobody else can change it, on the server or on the way to here.",
    ),
    Choice(
        _UNSIGNED,
        "Unsigned: the system is not checked",
        "Whoever controls the server, or the way to an http:// server,\ncontrols this machine.",
    ),
)
_CONFIRM = Choice("yes", "I compared it with what the owner told me: it is the same")


class SignatureFields(Vertical):
    """given: the answers so far. read: gets the key at a place; it runs in a thread."""

    def __init__(
        self, given: SourceAnswers, read: Callable[[str, CancelToken], SigningKey]
    ) -> None:
        super().__init__(id="signature-fields")
        chosen = {True: [_SIGNED], False: [_UNSIGNED], None: []}[given.signed]
        self._signature = ChoiceField(
            "Signature",
            _CHOICES,
            path=VERIFY,
            help_text="With the owner's public key, this machine takes nothing that the owner did"
            " not sign. Without, it believes whatever the server sends.",
            chosen=chosen,
            id="signature",
        )
        self._key = AskingField[SigningKey](
            "Public key",
            read,
            lambda key: key.summary,
            path=KEY,
            help_text="A file on this machine or its media, or the URL of one, with the GPG public"
            " key that the branch is signed with. Below are its fingerprint and its owner.",
            button="Read",
            value=given.key,
            placeholder="/mnt/key.asc or https://server.example.com/key.asc",
            id="key",
        )
        self._confirmed = ChoiceField(
            "Is this the owner's fingerprint?",
            [_CONFIRM],
            path=_CONFIRMED,
            help_text="Anybody could have put another key there. Ask the owner for the fingerprint,"
            " not over the same way, and compare every digit.",
            several=True,
            id="confirmed",
        )

    def compose(self) -> ComposeResult:
        yield self._signature
        yield self._key
        yield self._confirmed

    def on_mount(self) -> None:
        self._show()

    @property
    def signed(self) -> bool | None:
        """None while the user has not said."""
        return self._signature.value == _SIGNED if self._signature.value else None

    @property
    def key(self) -> str:
        """Of a fetched and confirmed key, its file; else what was typed."""
        found = self._key.answer
        return found.path if found is not None and not self._doubtful else self._key.value

    async def settle(self) -> None:
        """Wait until the key was read."""
        if self.signed:
            await self._key.settle()

    def problems(self) -> Iterator[Remark]:
        """What is wrong with the key."""
        error = self._key.error
        if self.signed and error is not None:
            yield Remark(KEY, error.message, error.hint)
        elif self.signed and self._doubtful:
            yield Remark(_CONFIRMED, "compare the fingerprint above, then press Space here")

    @property
    def _doubtful(self) -> bool:
        """A fetched key is, until its fingerprint was compared; a file of the user is not."""
        found = self._key.answer
        return found is not None and bool(found.origin) and not self._confirmed.chosen

    @on(AskingField.Settled)
    def _doubt(self) -> None:
        self._confirmed.list.fill([_CONFIRM])
        self._show()

    @on(ChoiceList.Chosen)
    def _show(self) -> None:
        """Only what there is to be answered."""
        found = self._key.answer
        self._key.display = self.signed is True
        fetched = found is not None and bool(found.origin)
        self._confirmed.display = self._key.display and fetched
