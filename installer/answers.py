"""A kickstart as the beginning of a draft: it may be incomplete, and may have mistakes."""

from __future__ import annotations

from pathlib import Path

from engine.cancel import CancelToken
from engine.document import Document, parse_document
from engine.errors import PlanError, Problem
from engine.events import discard
from installer.draft import Draft
from installer.kickstart.fetch import LocalFile, fetch_text, parse_address


def read_answers(source: str, cancel: CancelToken, *, insecure: bool = False) -> Draft:
    """source: a file or URL, as for `fetch.parse_address`. What is wrong with values is found by
    `Draft.assess`. Raises NetworkError, PlanError with lines for what cannot be read at all."""
    address = parse_address(source, insecure=insecure)
    text = fetch_text(address, discard, cancel)
    try:
        return draft_of(parse_document(text, str(address)), address_folder(address))
    except PlanError:
        from installer.kickstart.load import parse_kickstart  # noqa: PLC0415 - loads pydantic

        parse_kickstart(text, str(address))  # knows files of other programs
        raise


def draft_of(document: Document, folder: Path | None) -> Draft:
    """The document's keys. folder: where its relative names are looked up. Raises PlanError."""
    if not isinstance(document.data, dict):
        reason = "a kickstart is a map of keys and values"
        raise PlanError(f"{document.name} is no kickstart.", [Problem(document.place(()), reason)])
    keys = dict(document.data)
    if folder is not None and isinstance(keys.get("search_path", []), list):
        keys["search_path"] = [str(folder), *keys.get("search_path", [])]
    return Draft(keys)


def address_folder(address: object) -> Path | None:
    """Of a kickstart that is a file, if it is not where the installer runs."""
    if not isinstance(address, LocalFile):
        return None
    folder = address.path.absolute().parent
    return None if folder == Path.cwd() else folder
