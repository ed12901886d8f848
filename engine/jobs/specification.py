"""What a job is to do, and who asked for it: one JSON document in the job's folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from engine.errors import PhotreeError
from engine.transactions.registry import KINDS, transaction_class
from engine.transactions.transaction import Transaction

_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s\"]*@")
_PROXIES = tuple(
    name for word in ("http_proxy", "https_proxy", "no_proxy") for name in (word, word.upper())
)


@dataclass(frozen=True)
class Specification:
    """A transaction's kind and values, with what the history shows of it.

    values: as JSON knows them (lists for tuples). user: who asked. command: as it was typed.
    started: seconds since 1970. environment: the proxies of whoever asked, for libcurl and
    requests. They may have passwords, which neither command lines nor units of systemd may show.
    """

    kind: str
    values: Mapping[str, Any]
    title: str
    user: str
    command: str
    started: float
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        transaction: Transaction,
        *,
        user: str,
        command: str,
        started: float,
        environment: Mapping[str, str],
    ) -> Specification:
        """environment: of whoever asks; what concerns proxies is taken from it."""
        return cls(
            transaction.kind,
            {each.name: getattr(transaction, each.name) for each in fields(transaction)},
            without_passwords(transaction.title),
            user,
            without_passwords(command),
            started,
            {name: environment[name] for name in _PROXIES if name in environment},
        )

    @classmethod
    def from_json(cls, text: str) -> Specification:
        """The inverse of `to_json`; raises ValueError for anything else."""
        document = json.loads(text)
        try:
            return cls(**document)
        except TypeError as error:
            raise ValueError(f"not a job's specification: {text!r}") from error

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    def transaction(self, kinds: Mapping[str, str] = KINDS) -> Transaction:
        """The transaction that was described. Raises PhotreeError when it is not known here."""
        found = transaction_class(self.kind, kinds)
        try:
            return found(**{name: _frozen(value) for name, value in self.values.items()})
        except TypeError as error:
            raise PhotreeError(
                f"The transaction {self.kind!r} is described by values that are not known here.",
                "It was started by another version of photree: start it again.",
                str(error),
            ) from error

    def redacted(self) -> Specification:
        """Without the passwords of URLs, and without proxies: what stays on the disk."""
        values = json.loads(without_passwords(json.dumps(self.values)))
        return replace(self, values=values, environment={})


def without_passwords(text: str) -> str:
    """text with the user and password of every URL in it hidden."""
    return _CREDENTIALS.sub("***@", text)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
