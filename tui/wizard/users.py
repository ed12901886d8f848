"""One user of the installed machine."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from installer import host_answers as answers
from installer.draft import Draft, Key, Remark
from installer.interview import Session
from installer.network_answers import words
from installer.password_strength import judge
from tui.widgets.choices import Choice, ChoiceField
from tui.widgets.fields import TextField
from tui.widgets.keys import KeysField
from tui.widgets.password import PasswordField
from tui.widgets.threads import in_thread
from tui.wizard.form import Form

User = dict[str, Any]


class UserForm(Form[User]):
    """index: of the user in draft; one behind the last for a new one. Returns the user's keys in a
    kickstart, the password hashed."""

    help_text: ClassVar[str] = "An account beside root's, with a home directory of its own."

    def __init__(self, session: Session, draft: Draft, index: int) -> None:
        users = answers.users_of(draft)
        self._user: User = users[index] if index < len(users) else {}
        super().__init__(f"User {self._user['name']}" if self._user else "A new user")
        self._session = session
        self._draft = draft
        self._users = users
        self._index = index
        self._path: tuple[Key, ...] = ("users", index)

    def compose_body(self) -> ComposeResult:
        user = self._user
        yield TextField(
            "Name",
            path=(*self._path, "name"),
            help_text="Lower-case letters, digits, - and _; 32 at most.",
            value=str(user.get("name", "")),
            id="name",
        )
        yield PasswordField(
            "Password",
            path=(*self._path, "password"),
            help_text="Typed twice, since it is not shown. Empty: the user cannot log in by"
            " password. It is kept as a hash only.",
            set=answers.has_password(user),
            judge=self._judge,
            id="user-password",
        )
        yield ChoiceField(
            "Rights",
            [Choice("sudo", "May do everything by sudo")],
            path=(*self._path, "sudo"),
            help_text="Whether the user may become root. sudo asks for the user's password.",
            chosen=["sudo"] if user.get("sudo") else [],
            several=True,
            id="sudo",
        )
        yield TextField(
            "Further groups",
            path=(*self._path, "groups"),
            help_text="Names of groups that the tree has, divided by blanks, such as wheel.",
            value=" ".join(user.get("groups", ())),
            id="groups",
        )
        yield KeysField(
            "SSH keys",
            answers.user_keys(user),
            self._session.inquiries.fetch_keys,
            path=(*self._path, "public_keys"),
            help_text="Public keys that let the user log in over SSH: the line of a .pub file, or"
            " an https address with such lines. Enter adds them, Delete takes one away.",
            id="user-keys",
        )

    async def finish(self) -> User | tuple[Remark, ...]:
        password = self.query_one("#user-password", PasswordField)
        keys = self.query_one("#user-keys", KeysField)
        if password.differs:
            return (Remark((*self._path, "password"), "the two are not the same"),)
        problems = tuple(keys.problems())
        if problems:
            return problems
        user = self._filled(keys.lines)
        hasher = self._session.inquiries.hash_password
        if password.typed:
            text = password.text
            self._user = user = await in_thread(
                self, lambda: answers.with_password(user, text, hasher)
            )
            password.forget(set=True)
        return await self._check_user(user) or user

    def _filled(self, lines: tuple[str, ...]) -> User:
        """The user's keys; what is empty is left out."""
        values: User = {
            "name": self.query_one("#name", TextField).value,
            "sudo": bool(self.query_one("#sudo", ChoiceField).chosen),
            "groups": list(words(self.query_one("#groups", TextField).value)),
        }
        if lines != answers.user_keys(self._user):
            values["public_keys"] = list(lines)
        filled = {**self._user, **values}
        return {key: value for key, value in filled.items() if value or key == "name"}

    async def _check_user(self, user: User) -> tuple[Remark, ...]:
        users = [*self._users]
        users[self._index : self._index + 1] = [user]
        draft = answers.with_users(self._draft, users)
        found = await in_thread(self, lambda: self._session.assess(draft))
        problems = [each for each in found.problems if each.path[:2] == self._path]
        if user.get("sudo") and not answers.has_password(user):
            message = "sudo asks for the user's password, and there is none"
            problems.append(Remark((*self._path, "password"), message))
        return tuple(problems)

    @on(PasswordField.Removed)
    def _lock(self) -> None:
        self._user = answers.without_password(self._user)

    def _judge(self, text: str) -> str:
        names = [self.query_one("#name", TextField).value, str(self._draft.get("hostname") or "")]
        return f"Strength: {judge(text, names)}"
