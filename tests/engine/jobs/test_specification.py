"""Transactions on paper: every kind can be written down and read again."""

import importlib
import inspect
import pkgutil
from dataclasses import fields
from typing import get_type_hints

import pytest

import engine.transactions
from engine.errors import PhotreeError
from engine.jobs.outcome import Outcome
from engine.jobs.specification import Specification, without_passwords
from engine.transactions.registry import KINDS, transaction_class
from engine.transactions.transaction import Transaction
from tests.engine.jobs.kinds import KINDS as TEST_KINDS
from tests.engine.jobs.kinds import Waits

EXAMPLES = {
    str: 'a "b" ü\n',
    bool: True,
    int: 7,
    tuple[str, ...]: ("-x", "", "ü"),
    tuple[int, ...]: (0, 2),
    tuple[tuple[str, str], ...]: (("a", "b"), ("c", "d")),
    tuple[str, ...] | None: ("quiet",),
}


def all_transactions() -> set[type[Transaction]]:
    found = set()
    for module in pkgutil.walk_packages(engine.transactions.__path__, "engine.transactions."):
        for _name, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(cls, Transaction) and not inspect.isabstract(cls):
                found.add(cls)
    return found


def written_and_read(transaction: Transaction, kinds) -> Transaction:
    specification = Specification.of(
        transaction, user="ada", command="photree x", started=1.0, environment={"no_proxy": "a"}
    )
    again = Specification.from_json(specification.to_json())
    assert again.to_json() == specification.to_json()
    return again.transaction(kinds)


def test_every_transaction_is_registered_under_its_kind() -> None:
    registered = {transaction_class(kind) for kind in KINDS}
    assert registered == all_transactions()
    assert all(transaction_class(kind).kind == kind for kind in KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_read_as_it_was_written(kind: str) -> None:
    cls = transaction_class(kind)
    hints = get_type_hints(cls)
    values = {field.name: EXAMPLES[hints[field.name]] for field in fields(cls)}
    transaction = cls(**values)
    assert written_and_read(transaction, KINDS) == transaction
    assert transaction.title


def test_values_of_another_version_are_refused() -> None:
    specification = Specification("waits", {"colour": "red"}, "wait", "ada", "", 1.0)
    with pytest.raises(PhotreeError, match="values that are not known here"):
        specification.transaction(TEST_KINDS)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "x", "more": 1}'])
def test_what_is_no_specification_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Specification.from_json(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ok": true}', '{"ok": false, "error": {}}'])
def test_what_is_no_outcome_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Outcome.from_json(text)


def test_passwords_are_hidden_wherever_they_stand() -> None:
    text = "install --x=http://u:p@h/a?b=c@d https://h/y@z ftp://me@h"
    hidden = "install --x=http://***@h/a?b=c@d https://h/y@z ftp://***@h"
    assert without_passwords(text) == hidden
    transaction = Waits(words=("http://u:p@h/",))
    specification = Specification.of(
        transaction, user="", command="", started=1.0, environment={"https_proxy": "http://u:p@h"}
    )
    assert specification.transaction(TEST_KINDS) == transaction
    assert specification.redacted().values["words"] == ["http://***@h/"]
    assert "http://u:p@h" in specification.to_json()
    assert "u:p" not in specification.redacted().to_json()
