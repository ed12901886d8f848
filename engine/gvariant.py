"""Takes GVariant containers of byte-aligned members apart, without GLib.

For what has to be fast (a million directory entries) or must not load GLib (worker processes). The
format is that of GLib's gvariant-serialiser: members, then little-endian offsets of their ends.
"""

from __future__ import annotations


def offset_width(size: int) -> int:
    """Bytes of an offset in a container of that many bytes, which include the offsets."""
    return 1 if size <= 0xFF else 2 if size <= 0xFFFF else 4


def array_items(raw: bytes) -> list[bytes]:
    """The members of an array of variable-size members, such as a(say). Raises ValueError."""
    if not raw:
        return []
    width = offset_width(len(raw))
    table = int.from_bytes(raw[-width:], "little")  # the offsets begin where the last member ends
    if table >= len(raw) or (len(raw) - table) % width:
        raise ValueError("not a GVariant array")
    ends = [int.from_bytes(raw[at : at + width], "little") for at in range(table, len(raw), width)]
    starts = [0, *ends[:-1]]
    if any(start > end for start, end in zip(starts, ends, strict=True)):
        raise ValueError("not a GVariant array")
    return [raw[start:end] for start, end in zip(starts, ends, strict=True)]


def split_pair(raw: bytes) -> tuple[bytes, bytes]:
    """The two members of a tuple whose first one has a variable size. Raises ValueError."""
    width = offset_width(len(raw))
    middle = int.from_bytes(raw[-width:], "little")
    if not raw or middle > len(raw) - width:
        raise ValueError("not a GVariant tuple")
    return raw[:middle], raw[middle:-width]
