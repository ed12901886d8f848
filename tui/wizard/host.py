"""The installed machine's name, who may log in, and its time zone."""

from __future__ import annotations

from typing import Any

from textual import on, work
from textual.app import ComposeResult

from engine.errors import PhotreeError
from installer import host_answers as answers
from installer.draft import Draft, Remark, Section
from installer.interview import Session
from installer.password_strength import judge
from installer.time_zones import DEFAULT
from tui.widgets.fields import TextField
from tui.widgets.items import Item, ItemField, ItemList
from tui.widgets.keys import KeysField
from tui.widgets.password import PasswordField
from tui.widgets.threads import in_thread
from tui.widgets.zones import ZoneField
from tui.wizard.page import Move, Page
from tui.wizard.users import UserForm


class HostPage(Page):
    section = Section.HOST
    heading = "Host"
    help_text = (
        "What makes this machine different from others with the same tree. Somebody must be able to"
        " log in and to become root: by root's password, by an SSH key, or as a user who may use"
        " sudo."
    )

    def __init__(self, session: Session, *, first: bool = False) -> None:
        super().__init__(session, first=first)
        self._accounts = session.draft  # with what was said of passwords and users since

    def compose_body(self) -> ComposeResult:
        draft, inquiries = self.session.draft, self.session.inquiries
        yield TextField(
            "Host name",
            path=("hostname",),
            help_text="What the machine calls itself: letters, digits and hyphens; with its domain"
            " after dots if you like.",
            value=answers.host_name(draft, self.session.host_name),
            id="hostname",
        )
        yield PasswordField(
            "Root's password",
            path=("password",),
            also=[("shadow_password",)],
            help_text="Typed twice, since it is not shown. Empty: root cannot log in by password."
            " It is kept as a hash only. A weak one is accepted, but you are told.",
            set=answers.has_password(draft.keys),
            judge=self._judge,
            id="password",
        )
        yield KeysField(
            "SSH keys of root",
            answers.root_keys(draft),
            inquiries.fetch_keys,
            path=("public_key",),
            help_text="Public keys that let root log in over SSH: the line of a .pub file, or an"
            " https address with such lines, as https://github.com/NAME.keys. Enter adds them,"
            " Delete takes one away, F8 stops fetching. Compare the fingerprint.",
            id="keys",
        )
        yield ItemField(
            "Users",
            path=("users",),
            help_text="Further accounts. Enter changes one, Delete takes it away.",
            add_label="Add a user",
            id="users",
        )
        yield ZoneField(
            "Time zone",
            draft.get("timezone") or DEFAULT,
            inquiries.time_zones,
            path=("timezone",),
            help_text="Type a part of its name, such as a city, then Enter, or choose with the"
            " arrow keys.",
            id="timezone",
        )

    def on_mount(self) -> None:
        self._fill()

    def answer(self) -> Draft:
        draft = answers.with_host_name(self._accounts, self.query_one("#hostname", TextField).value)
        draft = answers.with_root_keys(draft, self.query_one("#keys", KeysField).lines)
        return draft.with_value(self.query_one("#timezone", ZoneField).value, "timezone")

    def action_back(self) -> None:
        if not self._first:
            self._leave(back=True)

    def action_forward(self) -> None:
        self._leave(back=False)

    @work(exclusive=True, group="leave")
    async def _leave(self, *, back: bool) -> None:
        """No password leaves this page in clear text, right or wrong."""
        try:
            await self._hash_passwords()
        except PhotreeError as error:
            self.show([Remark(("password",), error.message, error.hint)])
            return
        if back:
            self.dismiss(Move(self.answer(), back=True))
        else:
            self._check()

    async def _hash_passwords(self) -> None:
        field = self.query_one("#password", PasswordField)
        draft, hasher = self._accounts, self.session.inquiries.hash_password
        if field.typed:
            text = field.text
            draft = Draft(
                await in_thread(self, lambda: answers.with_password(draft.keys, text, hasher))
            )
        self._accounts = await in_thread(self, lambda: answers.with_hashes(draft, hasher))
        if not field.differs:
            field.forget(set=answers.has_password(self._accounts.keys))

    async def find_problems(self, draft: Draft) -> tuple[Remark, ...]:
        found = [*await super().find_problems(draft)]
        found += self.query_one("#keys", KeysField).problems()
        found += self.query_one("#timezone", ZoneField).problems()
        if self.query_one("#password", PasswordField).differs:
            return (*found, Remark(("password",), "the two are not the same", "type both again"))
        return (*found, *answers.login_problems(draft))

    @on(PasswordField.Removed)
    def _lock_root(self) -> None:
        self._accounts = Draft(answers.without_password(self._accounts.keys))

    @on(ItemList.Added)
    def _add(self) -> None:
        self._edit(len(answers.users_of(self._accounts)))

    @on(ItemList.Opened)
    def _open(self, event: ItemList.Opened) -> None:
        self._edit(int(event.item))

    @on(ItemList.Removed)
    def _remove(self, event: ItemList.Removed) -> None:
        users = answers.users_of(self._accounts)
        del users[int(event.item)]
        self._keep(users)

    @work(exclusive=True, group="edit")
    async def _edit(self, index: int) -> None:
        form = UserForm(self.session, self._accounts, index)
        changed = await self.app.push_screen_wait(form)
        if changed is not None:
            users = answers.users_of(self._accounts)
            users[index : index + 1] = [changed]
            self._keep(users)

    def _keep(self, users: list[dict[str, Any]]) -> None:
        self._accounts = answers.with_users(self._accounts, users)
        self._fill()

    def _fill(self) -> None:
        users = enumerate(answers.users_of(self._accounts))
        self.query_one("#users", ItemField).list.fill(
            Item(str(index), f"{user.get('name')}:  {answers.describe_user(user)}")
            for index, user in users
        )

    def _judge(self, text: str) -> str:
        return f"Strength: {judge(text, [self.query_one('#hostname', TextField).value])}"
