"""A host with two deployments, shared with the tests of transactions."""

from tests.engine.transactions.conftest import host

__all__ = ["host"]
