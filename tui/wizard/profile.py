"""Which kind of machine this becomes."""

from __future__ import annotations

from textual.app import ComposeResult

from installer.draft import Draft, Remark, Section
from tui.widgets.choices import Choice, ChoiceField
from tui.wizard.page import Page

_PROFILES = (
    Choice(
        "default",
        "Default host",
        "A minimal machine. Its tree is on this medium: no network is needed.\n"
        "Updates come from Photon's official repository.",
    ),
    Choice(
        "custom",
        "Custom host",
        "A machine of a server of your own: tree and updates come from there.\n"
        "You choose the server's address and one of its branches.",
    ),
    Choice(
        "server",
        "Server",
        "Composes trees from packages and publishes them to hosts.",
        refused="it cannot be installed yet",
    ),
)


class ProfilePage(Page):
    section = Section.SOURCE
    heading = "Profile"
    help_text = "What the machine is for. It decides where its tree and its updates come from."

    def compose_body(self) -> ComposeResult:
        draft = self.session.draft
        custom = draft.get("ostree", "repo_url") is not None
        given = draft.get("ostree", "profile", default="custom" if custom else "default")
        yield ChoiceField(
            "What shall this machine be?",
            _PROFILES,
            path=("ostree", "profile"),
            help_text=self.help_text,
            chosen=[given],
            id="profile",
        )

    def answer(self) -> Draft:
        profile = self.query_one("#profile", ChoiceField).value
        return self.session.with_profile(profile)

    async def find_problems(self, draft: Draft) -> tuple[Remark, ...]:
        """What a custom host needs is asked on the next page."""
        return ()
