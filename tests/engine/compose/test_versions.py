"""Versions that count up."""

from datetime import UTC, datetime

import pytest

from engine.versions import next_version

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("prefix", "last", "expected"),
    [
        ("5.0_minimal", None, "5.0_minimal"),
        ("5.0_minimal", "5.0_minimal", "5.0_minimal.1"),
        ("5.0_minimal", "5.0_minimal.1", "5.0_minimal.2"),
        ("5.0_minimal", "5.0_minimal.9", "5.0_minimal.10"),
        ("5.0_minimal", "4.0_minimal.7", "5.0_minimal"),
        ("10", "", "10"),
        ("10", "100.1", "10"),
        ("10", "10.word", "10"),
        ("10.1", "10.1.5", "10.1.6"),
        ("10.1", "10.1.1.5", "10.1.2"),
        ("<date:%Y%m%d>", None, "20261123.0"),
        ("<date:%Y%m%d>", "20261123.0", "20261123.1"),
        ("<date:%Y%m%d>", "20261122.4", "20261123.0"),
        ("31.<date:%Y>", "31.2026.1", "31.2026.2"),
    ],
)
def test_the_next_version(prefix, last, expected):
    assert next_version(prefix, ".", last, NOW) == expected


def test_another_suffix_separates_the_number():
    assert next_version("5.0", "-", "5.0-3", NOW) == "5.0-4"
    assert next_version("5.0", "-", "5.0.3", NOW) == "5.0"
