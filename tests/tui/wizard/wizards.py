"""Whole wizards for tests: with answers that can be installed, on a recorded machine."""

from pathlib import Path

from installer.draft import Draft, Section
from installer.interview import Session
from installer.kickstart.schema import Kickstart
from tests.installer.kickstarts import HASH, make_repository
from tests.tui.wizard.inquiries import RecordedInquiries
from tui.wizard.app import WizardApp

REF = "photon/5.0/x86_64/minimal"
SIZE = (80, 24)
assert Kickstart  # loaded before the tests: it takes its time


def answered(media: Path, **keys: object) -> Draft:
    """A draft without an open question. media: gets a repository."""
    if not (media / "repo").exists():
        make_repository(media / "repo", REF)
    return Draft(
        {
            "ostree": {"default_repo": True, "profile": "default"},
            "disk": "/dev/vda",
            "hostname": "photon-host-def",
            "password": {"text": HASH, "crypted": True},
            **keys,
        }
    )


def session_of(media: Path, draft: Draft | None = None, **more: object) -> Session:
    found = {"dry": True, "sections": (), "licence": "Do as you like.", **more}
    return Session(RecordedInquiries(), "x86_64", media, draft=draft or answered(media), **found)


def wizard(session: Session, **more: object) -> WizardApp:
    return WizardApp(session, **more)


ALL = tuple(Section)
