"""The source of a custom host: branches, keys, and the answers that a user gives about them.

What asks servers is in `installer.custom_source`, which loads libostree; this does not.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import PhotreeError, SignatureError
from installer.draft import Draft, Remark

URL = ("ostree", "repo_url")
REF = ("ostree", "repo_ref")
VERIFY = ("ostree", "gpg_verify")
KEY = ("ostree", "gpg_key")


@dataclass(frozen=True)
class Branch:
    """timestamp: of its commit, seconds since 1970, 0 if unknown. size: bytes to transfer for the
    whole tree; packages: how many it has; None: not known. fault: why it cannot be installed."""

    ref: str
    commit: str
    version: str = ""
    timestamp: int = 0
    size: int | None = None
    packages: int | None = None
    fault: str = ""

    @property
    def summary(self) -> str:
        """Such as "version 5.0_base, 2024-11-28, 412 MB, 296 packages"."""
        words = [f"version {self.version}"] if self.version else []
        if self.timestamp:
            words.append(time.strftime("%Y-%m-%d", time.gmtime(self.timestamp)))
        if self.size is not None:
            words.append(f"{_megabytes(self.size)} MB")
        if self.packages is not None:
            words.append(f"{self.packages} package{'s' * (self.packages != 1)}")
        return ", ".join(words) or f"commit {self.commit[:12]}"


@dataclass(frozen=True)
class Offer:
    """What a server has. listed: False when it has no summary, so that its branches are unknown."""

    url: str
    branches: tuple[Branch, ...] = ()
    listed: bool = True

    @property
    def summary(self) -> str:
        if not self.listed:
            return "a repository without a summary: its branches are not known"
        count = len(self.branches)
        return f"{count} branch{'es' * (count != 1)}" if count else "a repository without branches"

    def find(self, ref: str) -> Branch | None:
        return next((each for each in self.branches if each.ref == ref), None)

    def missing(self, ref: str) -> Remark | None:
        """Why ref is not among the branches; None when it is, or may be."""
        if not self.listed or self.find(ref) is not None:
            return None
        return no_such_branch(self.url, ref, [each.ref for each in self.branches])


@dataclass(frozen=True)
class SigningKey:
    """A file of public keys on this machine. fingerprints and owners: of all its keys. origin: the
    URL it was fetched from, "" for a file that the user has. fault: of its keys, if any."""

    path: str
    fingerprints: tuple[str, ...]
    owners: tuple[str, ...] = ()
    origin: str = ""
    fault: str = ""

    @property
    def summary(self) -> str:
        """Its fingerprints in groups of four, as GnuPG and people compare them; its owners."""
        lines = [" ".join(re.findall("....", each)) for each in self.fingerprints]
        lines += self.owners
        if self.fault:
            lines.append(f"This key is {self.fault}: what it signs will be refused.")
        return "\n".join(lines)


class NoSuchBranchError(PhotreeError):
    """The server has no branch of that name."""


@dataclass(frozen=True)
class SourceAnswers:
    """url, ref and key as they were typed. signed: None while the user has not said.

    key: a path, or a URL that no key was fetched from yet.
    """

    url: str = ""
    ref: str = ""
    signed: bool | None = None
    key: str = ""

    @classmethod
    def of(cls, draft: Draft) -> SourceAnswers:
        verify, key = draft.get(*VERIFY), draft.get(*KEY, default="")
        signed = True if key and verify is None else verify
        return cls(draft.get(*URL, default=""), draft.get(*REF, default=""), signed, key)

    def put_into(self, draft: Draft) -> Draft:
        """The draft with these answers. A commit that was asked for goes with its branch."""
        source = draft.get("ostree", default={})
        if (self.url, self.ref) != (source.get("repo_url", ""), source.get("repo_ref", "")):
            source.pop("commit", None)
        key = self.key if self.signed else ""
        values = {"repo_url": self.url, "repo_ref": self.ref, "gpg_key": key}
        for name, value in {**values, "gpg_verify": self.signed}.items():
            source.pop(name, None)
            if value not in ("", None):
                source[name] = value
        return draft.with_value(source, "ostree")

    def open_questions(self) -> Iterator[Remark]:
        """What has to be answered yet."""
        if not self.url:
            yield Remark(URL, "must be given", "such as https://server.example.com/repo")
        if not self.ref:
            yield Remark(REF, "choose a branch")
        if self.signed is None:
            yield Remark(VERIFY, "choose one: without a key nobody checks who made the system")
        elif self.signed and not self.key:
            yield Remark(KEY, "must be given", "the file, or the URL, of the owner's public key")


def is_custom_host(draft: Draft) -> bool:
    """Whether the machine will follow a server of the user's own."""
    custom = draft.get(*URL) is not None
    profile = draft.get("ostree", "profile", default="custom" if custom else "default")
    return bool(profile == "custom")


def is_address(text: str) -> bool:
    """Whether a key is to be fetched by URL, and not a file's name."""
    return re.match("https?://", text, re.IGNORECASE) is not None


def no_such_branch(url: str, ref: str, known: list[str]) -> Remark:
    """known: the branches there are."""
    from engine.validation import did_you_mean  # noqa: PLC0415 - loads pydantic

    listed = ", ".join(sorted(known)[:5]) or "none"
    return Remark(
        REF, f'{url} has no branch "{ref}"', did_you_mean(ref, known) or f"there is: {listed}"
    )


def remark_of(error: PhotreeError, answers: SourceAnswers) -> Remark:
    """What went wrong with a source, beside the answer that can mend it."""
    path = URL
    if isinstance(error, NoSuchBranchError):
        path = REF
    elif isinstance(error, SignatureError):
        path = KEY if answers.signed else REF
    return Remark(path, error.message, error.hint)


def _megabytes(size: int) -> str:
    """Decimal, as OSTree's own tools count."""
    return str(round(size / 10**6)) if size >= 10**7 else f"{size / 10**6:.1f}"
