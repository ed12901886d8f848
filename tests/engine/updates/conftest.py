"""A host whose server has a newer version, shared with the tests of transactions."""

from tests.engine.transactions.conftest import host

__all__ = ["host"]
