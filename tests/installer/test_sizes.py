"""Sizes as people write them for a partition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.rules import Broken
from installer.sizes import Portion, read_portion, size_text

PORTIONS = st.builds(Portion, megabytes=st.integers(1, 1024**4)) | st.builds(
    Portion, percent=st.integers(1, 100)
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("512", Portion(512)),
        ("512 MB", Portion(512)),
        ("512mib", Portion(512)),
        ("20 GB", Portion(20480)),
        ("1.5 G", Portion(1536)),
        ("1,5 GiB", Portion(1536)),
        ("0.0001 GB", Portion(1)),
        (" 2 TB ", Portion(2 * 1024 * 1024)),
        ("50%", Portion(percent=50)),
        ("7 percent", Portion(percent=7)),
        ("rest", Portion()),
        ("The rest", Portion()),
    ],
)
def test_a_size_is_read_as_it_is_meant(text, expected):
    assert read_portion(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a size such as 512 MB, 20 GB or 50%, or the word rest"),
        ("-5", "must be a size such as"),
        ("much", "must be a size such as"),
        ("5 KB", "must be a size such as"),
        ("0", "must be more than nothing"),
        ("0%", "must be 1% to 100%"),
        ("101%", "must be 1% to 100%"),
        ("999999999 TB", "must be a size that a disk can have"),
    ],
)
def test_what_is_no_size_is_answered_with_what_would_be(text, message):
    broken = read_portion(text)
    assert isinstance(broken, Broken)
    assert broken.message.startswith(message)


def test_nothing_has_the_hint_that_somebody_may_have_meant_the_rest():
    assert read_portion("0 GB").hint == 'write "rest" for all that is left'


@given(PORTIONS | st.just(Portion()))
def test_what_is_shown_is_read_as_the_same(portion):
    assert read_portion(str(portion)) == portion
    assert Portion.of(portion.keys) == portion


@given(st.text() | st.from_regex(r"\d{1,3}[.,%]?\d{0,3} ?[a-zA-Z]{0,3}"))
def test_any_text_is_a_size_or_is_refused(text):
    found = read_portion(text)
    assert isinstance(found, Broken) or read_portion(str(found)) == found


def test_a_partition_that_does_not_say_its_size_has_none():
    assert Portion.of({}) is None
    assert Portion.of({"size": "much"}) is None


def test_sizes_are_shown_in_the_unit_that_suits_them():
    assert size_text(512 * 1024**2) == "512 MiB"
    assert size_text(40 * 1024**3) == "40.0 GiB"
