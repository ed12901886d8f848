"""Disks as bars of characters."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from installer.layout_view import Share
from tui.widgets.disk_bar import bar

GIB = 1024**3
SHARES = st.lists(
    st.builds(
        Share,
        st.sampled_from(["/", "/var/lib/containers", "swap"]),
        st.integers(1, 2**45),
        st.integers(1, 99),
    ),
    min_size=1,
    max_size=12,
)


def test_shares_are_numbered_and_as_wide_as_they_are_large():
    shares = [
        Share("/boot", GIB, 1),
        Share("/", 20 * GIB, 2),
        Share("swap", 10 * GIB, 3),
        Share("", 9 * GIB),
    ]
    assert bar(shares, 44) == "|1|2 / =================|3 swap ==|. free .|"


def test_what_is_not_known_is_said():
    assert bar((), 21) == "|...not known yet...|"


@given(SHARES, st.booleans())
def test_a_bar_has_its_width_and_a_piece_for_every_share(shares, free):
    shares = [*shares, *([Share("", 1)] if free else [])]
    text = bar(shares, 72)
    assert len(text) == 72
    assert text.isascii()
    pieces = text[1:-1].split("|")
    assert len(pieces) == len(shares)
    assert all(pieces)


@given(SHARES)
def test_a_larger_share_is_never_narrower(shares):
    widths = [len(piece) for piece in bar(shares, 72)[1:-1].split("|")]
    ordered = sorted(zip((share.size for share in shares), widths, strict=True))
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(ordered) if a[0] < b[0])
