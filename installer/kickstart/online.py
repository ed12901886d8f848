"""Whether the repository of a custom host answers, and has the branch that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.cancel import CancelToken
from engine.document import Document
from engine.errors import NetworkError, OstreeError, Problem
from engine.validation import did_you_mean
from installer.kickstart.reading import is_web_address
from installer.plan import Source

RefsOf = Callable[[Source], Mapping[str, object]]


def source_problems(document: Document, source: Source, refs_of: RefsOf) -> list[Problem]:
    """refs_of: the branches of a source; raises NetworkError or OstreeError. A repository on this
    machine was looked at when the plan was made."""
    if not is_web_address(source.url):
        return []
    where = document.place(("ostree", "repo_url"))
    try:
        refs = refs_of(source)
    except (NetworkError, OstreeError) as error:
        message = f"{source.url} cannot be installed from: {error.message}"
        return [Problem(where, message, error.hint)]
    if source.ref in refs:
        return []
    known = ", ".join(sorted(refs)[:5]) or "none"
    hint = did_you_mean(source.ref, refs) or f"its branches are: {known}"
    place = document.place(("ostree", "repo_ref"))
    return [Problem(place, f'{source.url} has no branch "{source.ref}"', hint)]


def fetch_refs_of(cancel: CancelToken) -> RefsOf:
    """Asks the repository itself; one without a summary only for the source's own branch."""

    def fetch(source: Source) -> Mapping[str, object]:
        # loads libostree, which a check without --online does not need
        from engine.remotes import NoSummaryError, fetch_refs, find_ref  # noqa: PLC0415

        try:
            return fetch_refs(source.url, cancel=cancel)
        except NoSummaryError:
            return {source.ref: find_ref(source.url, source.ref, cancel=cancel)}

    return fetch
