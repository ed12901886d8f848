"""The hosts of the engine's tests, for the commands."""

from tests.engine.conftest import system
from tests.engine.transactions.conftest import host

__all__ = ["host", "system"]
